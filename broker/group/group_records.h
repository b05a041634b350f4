// The records of __consumer_offsets: from what the coordinator knows to bytes, and back. Kafka's formats,
// byte for byte: docs/formats/consumer-offsets.md.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "broker/group/core/consumer/consumer_record.h"
#include "broker/group/core/group_offsets.h"
#include "proto/base/bytes.h"
#include "proto/kafka/gen/group_records.h"

namespace sluice::broker {

struct GroupRecord {
  Bytes key;
  std::optional<Bytes> value;  // Nothing: what the key names is gone.
};

GroupRecord OffsetRecord(const std::string& group, const TopicPartition& at, const CommittedOffset& offset);
GroupRecord OffsetTombstone(const std::string& group, const TopicPartition& at);
GroupRecord GroupMetadataRecord(const std::string& group, const kafka::GroupMetadataValue& value);
GroupRecord GroupTombstone(const std::string& group);

// What a log of such records says, one call a record. A null value: a tombstone.
class GroupRecordVisitor {
 public:
  virtual ~GroupRecordVisitor() = default;
  virtual void OnOffset(const std::string& group, const TopicPartition& at,
                        const CommittedOffset* offset) = 0;
  virtual void OnGroup(const std::string& group, const kafka::GroupMetadataValue* value) = 0;
  virtual void OnConsumerRecord(const std::string& group, const ConsumerRecord& record) = 0;
};

// DataLoss when the bytes are not such a record. Records of kinds that are not known are passed over: a newer
// version may have written them.
absl::Status VisitGroupRecord(std::optional<ByteView> key, std::optional<ByteView> value,
                              GroupRecordVisitor* visitor);

}  // namespace sluice::broker
