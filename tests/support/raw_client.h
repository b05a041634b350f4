// A Kafka client with no mind of its own: sends what it is told to, also nonsense, and decodes what comes
// back.
//
//   RawClient client(port);
//   kafka::MetadataResponse metadata = client.Call(request, 12);
//   client.Send(produce, 7);  client.Send(produce, 7);             // Pipelined.
//   client.Receive<kafka::ProduceResponse>();
//   EXPECT_TRUE(client.IsClosedByPeer());
//
// Blocking, with a time limit on everything. Thread-compatible.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <deque>
#include <optional>
#include <utility>

#include "proto/base/bytes.h"
#include "proto/base/check.h"
#include "proto/base/endian.h"
#include "proto/kafka/header.h"
#include "proto/kafka/wire_reader.h"
#include "proto/kafka/wire_writer.h"
#include "storage/disk/unique_fd.h"

namespace sluice {

class RawClient {
 public:
  explicit RawClient(uint16_t port, int timeout_s = 20) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    CHECK(fd_.valid());
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_EQ(::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    const timeval limit{.tv_sec = timeout_s, .tv_usec = 0};
    CHECK_EQ(::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
    CHECK_EQ(::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)), 0);
    const int one = 1;
    CHECK_EQ(::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), 0);
  }

  // Returns the correlation id.
  template <class Request>
  int32_t Send(const Request& request, int16_t version) {
    const int32_t correlation_id = SendUnanswered(request, version);
    awaited_.push_back({Request::kApiKey, version, correlation_id});
    return correlation_id;
  }
  // For what has no answer: Produce with acks=0.
  template <class Request>
  int32_t SendUnanswered(const Request& request, int16_t version) {
    kafka::WireWriter out = kafka::WireWriter::Framed();
    kafka::RequestHeader header;
    header.api_key = Request::kApiKey;
    header.api_version = version;
    header.correlation_id = ++last_sent_;
    header.client_id = "raw-client";
    kafka::EncodeRequestHeader(out, header);
    request.Encode(out, version);
    out.FinishFrame();
    EXPECT_TRUE(out.ok()) << out.error();
    SendBytes(out.buffer());
    return header.correlation_id;
  }

  // The answer to the oldest request that has none yet. Views in it live as long as the client. A connection
  // that closes, or an answer that is not the one awaited, fails the test.
  template <class Response>
  Response Receive() {
    Response response;
    CHECK(!awaited_.empty());
    const Awaited awaited = std::exchange(awaited_.front(), {});
    awaited_.pop_front();
    const std::optional<ByteView> frame = ReceiveFrame();
    if (!frame.has_value()) {
      ADD_FAILURE() << "no answer to API key " << awaited.key << " version " << awaited.version << ": "
                    << last_error_;
      return response;
    }
    kafka::WireReader in(*frame);
    int32_t correlation_id = 0;
    kafka::DecodeResponseHeader(in, awaited.key, awaited.version, &correlation_id);
    EXPECT_EQ(correlation_id, awaited.correlation_id);
    response.Decode(in, awaited.version);
    EXPECT_TRUE(in.ok()) << Response::kName << " version " << awaited.version << ": " << in.error();
    EXPECT_EQ(in.remaining(), 0u) << Response::kName << " version " << awaited.version;
    return response;
  }

  template <class Request>
  typename Request::Response Call(const Request& request, int16_t version) {
    Send(request, version);
    return Receive<typename Request::Response>();
  }

  // As they are: the caller's frames and lengths.
  void SendBytes(ByteView bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EINTR) {
        return;  // The peer closed: what it says about that is for the reader.
      }
      bytes = bytes.subspan(sent < 0 ? 0 : static_cast<size_t>(sent));
    }
  }

  // `body` behind its length.
  void SendFrame(ByteView body) {
    Bytes frame(4);
    StoreBigEndian(frame.data(), static_cast<int32_t>(body.size()));
    frame.insert(frame.end(), body.begin(), body.end());
    SendBytes(frame);
  }

  // One frame without its length; none when the peer closed or said nothing in time. Lives as long as the
  // client.
  std::optional<ByteView> ReceiveFrame() {
    std::byte length[4];
    if (!ReceiveAll(length)) {
      return std::nullopt;
    }
    Bytes& frame = frames_.emplace_back(static_cast<size_t>(LoadBigEndian<int32_t>(length)));
    if (!ReceiveAll(frame)) {
      return std::nullopt;
    }
    return ByteView(frame);
  }

  // What was received so far, and the views in it, is not needed any more: for who receives much.
  void Forget() { frames_.clear(); }

  // Waits for the end of the stream; false when something else came, or nothing in time.
  bool IsClosedByPeer() {
    std::byte byte;
    const ssize_t got = ::recv(fd_.get(), &byte, 1, 0);
    return got == 0 || (got < 0 && errno == ECONNRESET);
  }

  // True when an answer has begun to arrive.
  bool HasAnswerWithin(int milliseconds) {
    const timeval limit{.tv_sec = milliseconds / 1000, .tv_usec = (milliseconds % 1000) * 1000};
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(fd_.get(), &readable);
    timeval left = limit;
    return ::select(fd_.get() + 1, &readable, nullptr, nullptr, &left) > 0;
  }

  void FinishSending() { ::shutdown(fd_.get(), SHUT_WR); }

 private:
  struct Awaited {
    int16_t key = 0;
    int16_t version = 0;
    int32_t correlation_id = 0;
  };

  bool ReceiveAll(MutableByteView into) {
    while (!into.empty()) {
      const ssize_t got = ::recv(fd_.get(), into.data(), into.size(), 0);
      if (got > 0) {
        into = into.subspan(static_cast<size_t>(got));
      } else if (got == 0) {
        last_error_ = "the peer closed the connection";
        return false;
      } else if (errno != EINTR) {
        last_error_ = std::strerror(errno);
        return false;
      }
    }
    return true;
  }

  storage::UniqueFd fd_;
  int32_t last_sent_ = 0;
  std::deque<Awaited> awaited_;
  std::deque<Bytes> frames_;  // What decoded responses have views of.
  std::string last_error_;
};

}  // namespace sluice
