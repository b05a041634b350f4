#include "broker/topic/delete_records.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;

std::string NameOf(const Partition& partition) {
  return absl::StrCat("delete records of ", partition.topic(), "-", partition.id().value());
}

// A log that is closed is about to belong to nobody: the client is to ask for metadata again.
ErrorCode CodeOf(const absl::Status& status, const Partition& partition) {
  return partition.closed() || absl::IsFailedPrecondition(status) ? ErrorCode::kNotLeaderOrFollower
                                                                  : ErrorCode::kKafkaStorageError;
}

}  // namespace

DeleteRecordsVerdict CheckDeleteRecords(const Topic& topic, const Partition& partition, int64_t before) {
  if (const absl::Status health = partition.health(); !health.ok()) {
    return {.code = ErrorCode::kKafkaStorageError, .message = std::string(health.message())};
  }
  if (absl::StartsWith(topic.name, "__")) {
    return {.code = ErrorCode::kInvalidTopicException,
            .message = absl::StrCat(NameOf(partition),
                                    ": it is one of the broker's own topics, which nobody else may cut")};
  }
  if (!topic.config.deletes()) {
    return {.code = ErrorCode::kPolicyViolation,
            .message = absl::StrCat(NameOf(partition),
                                    ": the topic's cleanup.policy has no \"delete\"; set it to "
                                    "compact,delete if old records may go")};
  }
  const int64_t high_watermark = partition.high_watermark().value();
  if (before != kBeforeHighWatermark && (before < 0 || before > high_watermark)) {
    return {.code = ErrorCode::kOffsetOutOfRange,
            .message = absl::StrCat(NameOf(partition), ": offset ", before, " is not from 0 to ",
                                    high_watermark, ", the high watermark; -1 stands for the latter")};
  }
  return {};
}

DeleteRecordsVerdict DeleteRecordsBefore(Partition& partition, int64_t before) {
  const Offset start = before == kBeforeHighWatermark ? partition.high_watermark() : Offset(before);
  if (const absl::Status status = partition.log().AdvanceStart(start); !status.ok()) {
    return {.code = CodeOf(status, partition),
            .message = absl::StrCat(NameOf(partition), ": ", status.message())};
  }
  return {.low_watermark = partition.log().start()};
}

}  // namespace sluice::broker
