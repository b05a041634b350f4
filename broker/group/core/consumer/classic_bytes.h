// The assignments that consumers of the classic protocol read: topics by name, in opaque bytes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "broker/group/core/consumer/partitions.h"
#include "broker/group/core/consumer/topic_view.h"

namespace sluice::broker {

// Of a subscription's or an assignment's list of topics with partitions. Topics that do not exist are left
// out.
template <class Topics>
PartitionList ToPartitions(const Topics& by_name, const TopicView& topics) {
  PartitionList partitions;
  for (const auto& topic : by_name) {
    if (const auto shape = topics.Find(topic.topic)) {
      for (const int32_t partition : topic.partitions) {
        partitions.push_back({shape->id, PartitionId(partition)});
      }
    }
  }
  return Sorted(std::move(partitions));
}

// In the version that the member's own `subscription` is in.
std::string EncodeAssignment(const PartitionList& partitions, absl::string_view subscription,
                             const TopicView& topics);

// No bytes are no partitions. Nothing when it is no assignment, or one with words of an assignor of the
// members' own, which would be lost.
std::optional<PartitionList> DecodeAssignment(absl::string_view assignment, const TopicView& topics);

}  // namespace sluice::broker
