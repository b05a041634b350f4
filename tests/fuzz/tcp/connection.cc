#include "tests/fuzz/tcp/connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>

#include "proto/base/check.h"
#include "proto/base/endian.h"

namespace sluice::fuzz {
namespace {

constexpr int32_t kFrameMax = 256 << 20;  // More than the broker may ever answer.

}  // namespace

Bytes MakeFrame(int16_t key, int16_t version, int32_t correlation_id, ByteView body) {
  kafka::WireWriter out = kafka::WireWriter::Framed();
  kafka::RequestHeader header;
  header.api_key = key;
  header.api_version = version;
  header.correlation_id = correlation_id;
  header.client_id = "tcp-fuzzer";
  kafka::EncodeRequestHeader(out, header);
  CHECK(out.ok());
  Bytes frame = out.Take();
  frame.insert(frame.end(), body.begin(), body.end());
  StoreBigEndian(frame.data(), static_cast<int32_t>(frame.size() - sizeof(int32_t)));
  return frame;
}

Connection::Connection(uint16_t port, absl::Duration time_limit) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
  CHECK(fd_.valid());
  const timeval limit = absl::ToTimeval(time_limit);
  CHECK_EQ(::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
  CHECK_EQ(::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)), 0);
  const int one = 1;
  CHECK_EQ(::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    fd_ = storage::UniqueFd();
  }
}

void Connection::Send(ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) {
      return;
    }
    bytes = bytes.subspan(sent < 0 ? 0 : static_cast<size_t>(sent));
  }
}

Connection::Event Connection::Receive(Bytes* frame) {
  std::byte length_bytes[sizeof(int32_t)];
  if (const Event event = ReceiveAll(length_bytes); event != Event::kFrame) {
    return event;
  }
  const auto length = LoadBigEndian<int32_t>(length_bytes);
  CHECK_GE(length, 0);
  CHECK_LE(length, kFrameMax);
  frame->resize(static_cast<size_t>(length));
  return ReceiveAll(*frame);
}

Connection::Event Connection::ReceiveAll(MutableByteView into) {
  while (!into.empty()) {
    const ssize_t got = ::recv(fd_.get(), into.data(), into.size(), 0);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? Event::kSilent : Event::kClosed;
    }
    into = into.subspan(static_cast<size_t>(got));
  }
  return Event::kFrame;
}

}  // namespace sluice::fuzz
