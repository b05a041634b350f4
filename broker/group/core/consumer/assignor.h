// Who gets which partition: pure functions from subscriptions, and the assignment so far, to the next one.
//
//   uniform   all partitions in one heap: everyone gets as many as the others, to within one where the
//             subscriptions allow it, and keeps what it had as long as that holds
//   range     topic by topic: each subscriber gets a run of neighbouring partitions, members always in the
//             same order, so that topics with as many partitions and the same subscribers are split alike
//             (and may be joined by key). Static members come first, by their instance ids: one that is
//             started anew finds its place. Nothing else is kept.
//
// All partitions of a topic that anyone subscribes to are assigned, each to one of its subscribers.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "broker/group/core/consumer/partitions.h"

namespace sluice::broker {

struct AssignorTopic {
  Uuid id;
  int32_t partitions = 0;
};

struct AssignorMember {
  std::string id;
  std::optional<std::string> instance_id = {};
  std::vector<size_t> topics = {};  // Indices into AssignorInput::topics; sorted, each once.
  PartitionList has = {};           // Its last target.
};

struct AssignorInput {
  std::vector<AssignorTopic> topics = {};    // Sorted by id.
  std::vector<AssignorMember> members = {};  // Sorted by id.
};

// For each member, in the order of the input.
using AssignorResult = std::vector<PartitionList>;

AssignorResult AssignUniform(const AssignorInput& input);
AssignorResult AssignRange(const AssignorInput& input);

// Null when there is no assignor of that name.
using Assignor = AssignorResult (*)(const AssignorInput&);
Assignor FindAssignor(absl::string_view name);

}  // namespace sluice::broker
