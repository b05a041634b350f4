#include "tests/crash/plain_producer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>

#include "absl/time/clock.h"
#include "proto/base/check.h"
#include "proto/base/endian.h"
#include "proto/kafka/error_code.h"
#include "proto/kafka/gen/produce.h"
#include "proto/kafka/header.h"
#include "proto/record/batch_builder.h"

namespace sluice::crash {
namespace {

constexpr int16_t kVersion = 9;
constexpr int kTimeoutSeconds = 10;
constexpr size_t kAnswerBytesMax = 1 << 20;

Bytes MakeBatch(const std::vector<std::string>& values, bool damaged) {
  record::BatchBuilder builder;
  for (const std::string& value : values) {
    CHECK_OK(builder.Append(absl::ToUnixMillis(absl::Now()), std::nullopt, AsBytes(value)));
  }
  Bytes batch = ToBytes(*builder.Build());
  if (damaged) {
    batch.back() ^= std::byte{1};
  }
  return batch;
}

Bytes MakeFrame(const std::string& topic, int32_t partition, ByteView batch, int32_t correlation_id) {
  kafka::ProduceRequest request;
  request.acks = -1;
  request.timeout_ms = kTimeoutSeconds * 1000;
  auto& asked = request.topic_data.emplace_back();
  asked.name = topic;
  auto& data = asked.partition_data.emplace_back();
  data.index = partition;
  data.records = kafka::Records{.bytes = batch};
  kafka::RequestHeader header;
  header.api_key = kafka::ProduceRequest::kApiKey;
  header.api_version = kVersion;
  header.correlation_id = correlation_id;
  header.client_id = "plain-producer";
  kafka::WireWriter out = kafka::WireWriter::Framed();
  kafka::EncodeRequestHeader(out, header);
  request.Encode(out, kVersion);
  out.FinishFrame();
  CHECK(out.ok());
  return out.Take();
}

// Codes that a broker gives before it appends anything.
bool IsRefusal(int16_t code) {
  switch (static_cast<kafka::ErrorCode>(code)) {
    case kafka::ErrorCode::kCorruptMessage:
    case kafka::ErrorCode::kInvalidRecord:
    case kafka::ErrorCode::kMessageTooLarge:
    case kafka::ErrorCode::kUnknownTopicOrPartition:
      return true;
    default:
      return false;
  }
}

PlainOutcome ReadAnswer(ByteView frame, int32_t correlation_id) {
  kafka::WireReader in(frame);
  int32_t answered = 0;
  kafka::DecodeResponseHeader(in, kafka::ProduceRequest::kApiKey, kVersion, &answered);
  kafka::ProduceResponse response;
  response.Decode(in, kVersion);
  CHECK(in.ok());
  CHECK_EQ(answered, correlation_id);
  CHECK_EQ(response.responses.size(), 1u);
  CHECK_EQ(response.responses[0].partition_responses.size(), 1u);
  const auto& result = response.responses[0].partition_responses[0];
  if (result.error_code == 0) {
    return {PlainOutcome::Kind::kAcked, result.base_offset, 0};
  }
  const auto kind =
      IsRefusal(result.error_code) ? PlainOutcome::Kind::kRefused : PlainOutcome::Kind::kUnknown;
  return {kind, -1, result.error_code};
}

}  // namespace

PlainOutcome PlainProducer::Send(const std::string& topic, int32_t partition,
                                 const std::vector<std::string>& values, bool damaged) {
  const Bytes batch = MakeBatch(values, damaged);
  const Bytes frame = MakeFrame(topic, partition, batch, ++correlation_id_);
  if (fd_ < 0 && !Connect()) {
    return {PlainOutcome::Kind::kRefused, -1, 0};
  }
  Bytes answer;
  if (!SendAll(frame) || !ReceiveFrame(&answer)) {
    Disconnect();
    return {};
  }
  return ReadAnswer(answer, correlation_id_);
}

bool PlainProducer::Connect() {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK_GE(fd_, 0);
  const timeval limit{.tv_sec = kTimeoutSeconds, .tv_usec = 0};
  const int one = 1;
  CHECK_EQ(::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
  CHECK_EQ(::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)), 0);
  CHECK_EQ(::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  CHECK_EQ(::inet_pton(AF_INET, host_.c_str(), &address.sin_addr), 1);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    return true;
  }
  Disconnect();
  return false;
}

void PlainProducer::Disconnect() {
  if (fd_ >= 0) {
    ::close(fd_);
    fd_ = -1;
  }
}

bool PlainProducer::SendAll(ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) {
      return false;
    }
    bytes = bytes.subspan(sent < 0 ? 0 : static_cast<size_t>(sent));
  }
  return true;
}

bool PlainProducer::ReceiveAll(MutableByteView into) {
  while (!into.empty()) {
    const ssize_t got = ::recv(fd_, into.data(), into.size(), 0);
    if (got == 0 || (got < 0 && errno != EINTR)) {
      return false;
    }
    into = into.subspan(got < 0 ? 0 : static_cast<size_t>(got));
  }
  return true;
}

bool PlainProducer::ReceiveFrame(Bytes* frame) {
  std::byte length[4];
  if (!ReceiveAll(length)) {
    return false;
  }
  const auto size = static_cast<size_t>(LoadBigEndian<int32_t>(length));
  CHECK_LE(size, kAnswerBytesMax);
  frame->resize(size);
  return ReceiveAll(*frame);
}

}  // namespace sluice::crash
