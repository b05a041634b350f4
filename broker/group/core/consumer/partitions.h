// Partitions by the id of their topic: a topic that was made anew under its old name is another one.
#pragma once

#include <algorithm>
#include <compare>
#include <iterator>
#include <map>
#include <vector>

#include "proto/base/ids.h"
#include "proto/base/uuid.h"

namespace sluice::broker {

struct TopicIdPartition {
  Uuid topic;
  PartitionId partition;
  friend auto operator<=>(const TopicIdPartition&, const TopicIdPartition&) = default;
};

// Sorted, each once.
using PartitionList = std::vector<TopicIdPartition>;

// What a member has, each with the member's epoch when it got it.
using OwnedPartitions = std::map<TopicIdPartition, int32_t>;

inline PartitionList Sorted(PartitionList partitions) {
  std::sort(partitions.begin(), partitions.end());
  partitions.erase(std::unique(partitions.begin(), partitions.end()), partitions.end());
  return partitions;
}

inline PartitionList ListOf(const OwnedPartitions& owned) {
  PartitionList list;
  list.reserve(owned.size());
  std::transform(owned.begin(), owned.end(), std::back_inserter(list),
                 [](const auto& entry) { return entry.first; });
  return list;
}

inline bool Contains(const PartitionList& list, const TopicIdPartition& partition) {
  return std::binary_search(list.begin(), list.end(), partition);
}

}  // namespace sluice::broker
