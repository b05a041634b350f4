#include "broker/topic/produce_rules.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "proto/base/check.h"
#include "proto/record/batch_check.h"
#include "proto/record/batch_patch.h"
#include "proto/record/compression.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using record::ErrorClass;
using storage::AppendCode;

ErrorCode CodeOf(ErrorClass error) {
  switch (error) {
    case ErrorClass::kCorrupt:
      return ErrorCode::kCorruptMessage;
    case ErrorClass::kTooLarge:
      return ErrorCode::kMessageTooLarge;
    case ErrorClass::kInvalidTimestamp:
      return ErrorCode::kInvalidTimestamp;
    case ErrorClass::kUnsupportedFormat:
      return ErrorCode::kUnsupportedForMessageFormat;
    case ErrorClass::kUnsupportedCompression:
      return ErrorCode::kUnsupportedCompressionType;
    case ErrorClass::kInvalid:
      break;
  }
  return ErrorCode::kInvalidRecord;
}

struct TimestampSpan {
  int64_t min;
  int64_t max;
};

// The header's word where the records cannot be read without decompressing them.
TimestampSpan SpanOf(record::BatchView batch, const record::RecordFacts& facts) {
  if (facts.known) {
    return {facts.min_timestamp, facts.max_timestamp};
  }
  return {batch.base_timestamp(), std::max(batch.base_timestamp(), batch.max_timestamp())};
}

int64_t SubtractSaturated(int64_t a, int64_t b) {
  int64_t result;
  return __builtin_sub_overflow(a, b, &result) ? std::numeric_limits<int64_t>::min() : result;
}

int64_t AddSaturated(int64_t a, int64_t b) {
  int64_t result;
  return __builtin_add_overflow(a, b, &result) ? std::numeric_limits<int64_t>::max() : result;
}

ProduceVerdict CheckTimestamps(TimestampSpan span, const TopicConfig& config, int64_t now_ms) {
  const int64_t earliest = SubtractSaturated(now_ms, config.timestamp_before_max_ms());
  const int64_t latest = AddSaturated(now_ms, config.timestamp_after_max_ms());
  // A record without a timestamp has none to be wrong.
  if (span.min != record::kNoTimestamp && span.min < earliest) {
    return {.code = ErrorCode::kInvalidTimestamp,
            .message = absl::StrCat("timestamp ", span.min, " is before ", earliest,
                                    ", the earliest that message.timestamp.before.max.ms allows now")};
  }
  if (span.max > latest) {
    return {.code = ErrorCode::kInvalidTimestamp,
            .message = absl::StrCat("timestamp ", span.max, " is after ", latest,
                                    ", the latest that message.timestamp.after.max.ms allows now: check the "
                                    "producer's clock, and that it counts milliseconds")};
  }
  return {};
}

ProduceVerdict Blame(record::BatchProblem problem) {
  return {.code = CodeOf(problem.error_class()),
          .message = std::move(problem.message),
          .record_index = problem.record_index};
}

ProduceVerdict CheckFacts(record::BatchView batch, const record::RecordFacts& facts,
                          const TopicConfig& config, int64_t now_ms) {
  if (config.log().timestamp_type == record::TimestampType::kLogAppendTime) {
    return {};  // The broker's own time replaces whatever came.
  }
  ProduceVerdict verdict = CheckTimestamps(SpanOf(batch, facts), config, now_ms);
  if (facts.known && facts.max_timestamp != batch.max_timestamp()) {
    verdict.max_timestamp_ms = facts.max_timestamp;
  }
  return verdict;
}

// A compacted topic asks every record for its key, so compressed batches are opened there.
std::optional<record::BatchProblem> CheckWithKeys(ByteView records, record::ProduceRules rules,
                                                  const TopicConfig& config, record::BatchView* batch,
                                                  record::RecordFacts* facts) {
  thread_local record::Decompressor decompressor;
  Bytes scratch;
  rules.keys_required = true;
  rules.decompressed_bytes_max = static_cast<size_t>(config.decompressed_bytes_max());
  return record::CheckProduced(records, rules, batch, facts,
                               {.decompressor = &decompressor, .scratch = &scratch});
}

}  // namespace

ProduceVerdict CheckBatch(ByteView records, const TopicConfig& config, int64_t now_ms,
                          record::BatchView* batch, const ProduceLimits& limits) {
  record::RecordFacts facts;
  const record::ProduceRules rules = {.size_bytes_max = static_cast<size_t>(config.max_message_bytes()),
                                      .zstd_allowed = limits.zstd_allowed};
  if (auto problem = config.compacted() ? CheckWithKeys(records, rules, config, batch, &facts)
                                        : record::CheckProduced(records, rules, batch, &facts)) {
    return Blame(*std::move(problem));
  }
  return CheckFacts(*batch, facts, config, now_ms);
}

ProduceVerdict CheckOpenedRecords(record::BatchView batch, ByteView records, const TopicConfig& config,
                                  int64_t now_ms) {
  record::RecordFacts facts;
  if (auto problem = record::CheckOpenedRecords(batch, records, config.compacted(), &facts)) {
    return Blame(*std::move(problem));
  }
  return CheckFacts(batch, facts, config, now_ms);
}

Bytes WithMaxTimestamp(record::BatchView batch, int64_t max_timestamp_ms) {
  Bytes copy = ToBytes(batch.bytes());
  record::SetMaxTimestamp(copy, max_timestamp_ms);
  return copy;
}

ErrorCode ToErrorCode(const storage::AppendOutcome& outcome) {
  switch (outcome.code) {
    case AppendCode::kOk:
    case AppendCode::kDuplicate:
      return ErrorCode::kNone;
    case AppendCode::kOutOfOrderSequence:
      return ErrorCode::kOutOfOrderSequenceNumber;
    case AppendCode::kInvalidProducerEpoch:
      return ErrorCode::kInvalidProducerEpoch;
    case AppendCode::kBatchTooLarge:
      return ErrorCode::kRecordListTooLarge;
    case AppendCode::kStorageError:
      return ErrorCode::kKafkaStorageError;
    case AppendCode::kClosed:
      // Makes the client ask for metadata again, which tells a deleted topic from a broker that stops.
      return ErrorCode::kNotLeaderOrFollower;
    case AppendCode::kWouldBlock:
      break;
  }
  CheckFailed(__FILE__, __LINE__, "an append that would block was tried again where it may", "");
}

std::string DescribeOutcome(const storage::AppendOutcome& outcome) {
  switch (outcome.code) {
    case AppendCode::kOk:
    case AppendCode::kDuplicate:
    case AppendCode::kWouldBlock:
      return "";
    case AppendCode::kOutOfOrderSequence:
      return "the batch's sequence does not follow its producer's last one: a batch in between was lost";
    case AppendCode::kInvalidProducerEpoch:
      return "a newer producer took over this producer id; this one must not go on";
    case AppendCode::kBatchTooLarge:
      return "the batch is larger than a segment of this topic may be (segment.bytes)";
    case AppendCode::kStorageError:
      return std::string(outcome.status.message());
    case AppendCode::kClosed:
      return "the partition is closed: its topic was deleted, or the broker stops";
  }
  return "";
}

}  // namespace sluice::broker
