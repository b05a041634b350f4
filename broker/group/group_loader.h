// Makes the groups of a partition of __consumer_offsets from its records: a pure function of the log.
#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "broker/group/core/classic_group.h"
#include "broker/group/core/group_offsets.h"
#include "broker/group/group_records.h"
#include "broker/topic/partition.h"

namespace sluice::broker {

struct LoadedGroup {
  ClassicGroup classic;
  GroupOffsets offsets;
};

// Once, on one thread.
class GroupLoader final : private GroupRecordVisitor {
 public:
  GroupLoader(const GroupLimits& limits, int64_t now_ms) : limits_(limits), now_ms_(now_ms) {}

  // Everything that the log holds, also what is not durable yet. Blocks.
  absl::Status Read(Partition& partition);
  std::map<std::string, LoadedGroup> Take() { return std::move(groups_); }

 private:
  absl::Status ReadRange(const storage::FileRange& range, Offset* next);
  absl::Status ReadBatch(const record::BatchView& batch);
  void OnOffset(const std::string& group, const TopicPartition& at, const CommittedOffset* offset) override;
  void OnGroup(const std::string& group, const kafka::GroupMetadataValue* value) override;
  LoadedGroup& FindOrMake(const std::string& group);

  const GroupLimits limits_;
  const int64_t now_ms_;
  std::map<std::string, LoadedGroup> groups_;
};

}  // namespace sluice::broker
