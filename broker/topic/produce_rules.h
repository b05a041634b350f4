// What a producer may send, decided without touching anything: one whole batch, well formed, not too large,
// its timestamps within the topic's limits. The Kafka and the gRPC face ask the same rules. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "broker/config/topic_config.h"
#include "proto/base/bytes.h"
#include "proto/kafka/error_code.h"
#include "proto/record/batch_view.h"
#include "storage/log/log.h"

namespace sluice::broker {

struct ProduceVerdict {
  kafka::ErrorCode code = kafka::ErrorCode::kNone;
  std::string message = {};
  int32_t record_index = -1;  // Of the record to blame (Produce's RecordErrors); -1: the batch.
  // Set when the batch is fine but its header has not the greatest timestamp of its records, as some clients
  // send it: append WithMaxTimestamp() of it, or searches by time would miss it.
  std::optional<int64_t> max_timestamp_ms = {};

  bool ok() const { return code == kafka::ErrorCode::kNone; }
};

struct ProduceLimits {
  bool zstd_allowed = true;  // Not before version 7 of Kafka's Produce.
};

// `records`: the whole records field of one partition. Fills `batch` when the verdict is ok.
ProduceVerdict CheckBatch(ByteView records, const TopicConfig& config, int64_t now_ms,
                          record::BatchView* batch, const ProduceLimits& limits = {});

// For a compressed batch that CheckBatch found good and that was opened since: its records and their own
// timestamps. `records`: all of them, decompressed.
ProduceVerdict CheckOpenedRecords(record::BatchView batch, ByteView records, const TopicConfig& config,
                                  int64_t now_ms);

// The bytes of `batch` with that greatest timestamp.
Bytes WithMaxTimestamp(record::BatchView batch, int64_t max_timestamp_ms);

// kWouldBlock is none of a client's business: CHECKed.
kafka::ErrorCode ToErrorCode(const storage::AppendOutcome& outcome);
// One sentence for the client; empty when all went well.
std::string DescribeOutcome(const storage::AppendOutcome& outcome);

}  // namespace sluice::broker
