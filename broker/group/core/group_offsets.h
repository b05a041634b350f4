// How far a group has read: its committed offsets. A value; the group's shard owns and guards it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "proto/base/ids.h"

namespace sluice::broker {

struct CommittedOffset {
  Offset offset;
  LeaderEpoch leader_epoch =
      kNoLeaderEpoch;         // Of the last record before it, as the consumer knew it (KIP-320).
  std::string metadata = {};  // The consumer's own words.
  int64_t commit_ms = 0;      // Wall clock.
  int64_t expire_ms = -1;     // Set by clients of old, for this offset alone; -1: offsets.retention.minutes.
  friend bool operator==(const CommittedOffset&, const CommittedOffset&) = default;
};

struct TopicPartition {
  std::string topic;
  PartitionId partition;
  friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
};

class GroupOffsets {
 public:
  void Put(const TopicPartition& at, CommittedOffset offset) { offsets_[at] = std::move(offset); }
  // False when there was none.
  bool Remove(const TopicPartition& at) { return offsets_.erase(at) > 0; }
  const CommittedOffset* Find(const TopicPartition& at) const {
    const auto found = offsets_.find(at);
    return found == offsets_.end() ? nullptr : &found->second;
  }
  bool empty() const { return offsets_.empty(); }
  // By topic, then partition.
  const std::map<TopicPartition, CommittedOffset>& all() const { return offsets_; }

  // Those whose time is over: `since_ms` tells from when an offset's retention counts, nothing that it is
  // kept.
  std::vector<TopicPartition> Expired(
      int64_t now_ms, int64_t retention_ms,
      absl::FunctionRef<std::optional<int64_t>(const TopicPartition&, const CommittedOffset&)> since_ms)
      const {
    std::vector<TopicPartition> expired;
    for (const auto& [at, offset] : offsets_) {
      const std::optional<int64_t> since = since_ms(at, offset);
      const bool is_over =
          offset.expire_ms >= 0 ? now_ms >= offset.expire_ms : since && now_ms - *since >= retention_ms;
      if (since && is_over) {
        expired.push_back(at);
      }
    }
    return expired;
  }

 private:
  std::map<TopicPartition, CommittedOffset> offsets_;
};

}  // namespace sluice::broker
