// A producer without idempotence and without retries, on a socket of its own: what it is not told stays
// unknown. It shares nothing with the client library but the wire codec.
//
//   PlainProducer producer("127.0.0.1", 9092);
//   const PlainOutcome outcome = producer.Send("orders", 0, {"first", "second"});
//
// One batch at a time. Blocking, with a time limit on everything. Thread-compatible.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/base/bytes.h"

namespace sluice::crash {

struct PlainOutcome {
  enum class Kind {
    kAcked,
    kRefused,  // Certainly not appended: it never left, or the broker called it invalid.
    kUnknown,
  };
  Kind kind = Kind::kUnknown;
  int64_t base_offset = -1;
  int16_t error_code = 0;  // Kafka's, when the broker answered.
};

class PlainProducer {
 public:
  PlainProducer(std::string host, uint16_t port) : host_(std::move(host)), port_(port) {}
  ~PlainProducer() { Disconnect(); }
  PlainProducer(const PlainProducer&) = delete;
  PlainProducer& operator=(const PlainProducer&) = delete;

  // acks=all. `damaged` breaks the batch's checksum: the broker must refuse it.
  PlainOutcome Send(const std::string& topic, int32_t partition, const std::vector<std::string>& values,
                    bool damaged);

 private:
  bool Connect();
  void Disconnect();
  bool SendAll(ByteView bytes);
  bool ReceiveAll(MutableByteView into);
  bool ReceiveFrame(Bytes* frame);

  const std::string host_;
  const uint16_t port_;
  int fd_ = -1;
  int32_t correlation_id_ = 0;
};

}  // namespace sluice::crash
