// Makes the groups of a partition of __consumer_offsets from its records: a pure function of the log.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "broker/group/core/classic_group.h"
#include "broker/group/core/consumer/consumer_group.h"
#include "broker/group/core/group_offsets.h"
#include "broker/group/group_records.h"
#include "broker/topic/partition.h"

namespace sluice::broker {

struct LoadedGroup {
  ClassicGroup classic;
  GroupOffsets offsets = {};
  std::optional<ConsumerGroup> consumer = {};  // Set: it is one, and `classic` is nothing.
};

// Once, on one thread.
class GroupLoader final : private GroupRecordVisitor {
 public:
  GroupLoader(const GroupLimits& limits, ConsumerLimits consumer_limits, const GroupTime& now)
      : limits_(limits), consumer_limits_(std::move(consumer_limits)), now_(now) {}

  // Everything that the log holds, also what is not durable yet. Blocks.
  absl::Status Read(Partition& partition);
  std::map<std::string, LoadedGroup> Take();

 private:
  absl::Status ReadRange(const storage::FileRange& range, Offset* next);
  absl::Status ReadBatch(const record::BatchView& batch);
  void OnOffset(const std::string& group, const TopicPartition& at, const CommittedOffset* offset) override;
  void OnGroup(const std::string& group, const kafka::GroupMetadataValue* value) override;
  void OnConsumerRecord(const std::string& group, const ConsumerRecord& record) override;
  LoadedGroup& FindOrMake(const std::string& group);
  bool Finish(const std::string& id, LoadedGroup* loaded) const;

  const GroupLimits limits_;
  const ConsumerLimits consumer_limits_;
  const GroupTime now_;
  std::map<std::string, LoadedGroup> groups_;
};

}  // namespace sluice::broker
