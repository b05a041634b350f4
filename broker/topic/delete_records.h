// DeleteRecords: an operator moves the start of a partition forward, and what lies before it is gone. One
// rule for the Kafka and the gRPC face.
//
//   {[0,9][10,29]}{[30,44][45,60]}   before 40 -> {[30,44][45,60]}, read from 40 on
#pragma once

#include <cstdint>
#include <string>

#include "broker/topic/catalog.h"
#include "proto/base/ids.h"
#include "proto/kafka/error_code.h"

namespace sluice::broker {

// Everything that consumers may read.
inline constexpr int64_t kBeforeHighWatermark = -1;

struct DeleteRecordsVerdict {
  kafka::ErrorCode code = kafka::ErrorCode::kNone;
  std::string message = {};
  Offset low_watermark{-1};  // Where the partition starts now.

  bool ok() const { return code == kafka::ErrorCode::kNone; }
};

// What can be told without touching the log. The high watermark only grows, so an ok stays one.
//   INVALID_TOPIC_EXCEPTION  the broker's own topics
//   POLICY_VIOLATION         the topic's cleanup.policy has no "delete"
//   OFFSET_OUT_OF_RANGE      beyond the high watermark, or below -1
DeleteRecordsVerdict CheckDeleteRecords(const Topic& topic, const Partition& partition, int64_t before);

// Durable when it returns; an offset at or below the start changes nothing. Blocks: disk pool only. `before`
// must have passed CheckDeleteRecords.
DeleteRecordsVerdict DeleteRecordsBefore(Partition& partition, int64_t before);

}  // namespace sluice::broker
