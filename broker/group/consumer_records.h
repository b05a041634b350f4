// The records of consumer groups (KIP-848) in __consumer_offsets: from what the core says to bytes, and back.
// Kafka's formats: docs/formats/consumer-offsets.md.
#pragma once

#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "broker/group/core/consumer/consumer_record.h"
#include "broker/group/group_records.h"
#include "proto/kafka/wire_reader.h"

namespace sluice::broker {

GroupRecord ToGroupRecord(const std::string& group, const ConsumerRecord& record);

bool IsConsumerRecordKind(int16_t kind);
// `in` stands behind the kind, in the record's key. Calls `on_record` once, or not at all when it returns an
// error.
absl::Status ReadConsumerRecord(
    int16_t kind, kafka::WireReader& in, std::optional<ByteView> value,
    absl::FunctionRef<void(const std::string& group, const ConsumerRecord& record)> on_record);

}  // namespace sluice::broker
