// One step of a member from what it has to what it shall have.
//
//            its target took partitions away                  others hold what it shall have
//   Stable ---------------------------------> Unrevoked ----> Unreleased
//     ^  ^                                        |               |
//     |  +---- nothing is missing --- it gave them up             |
//     +------------------------------------------- they gave it up
//
// A member gives partitions up in its old epoch and says so by no longer naming them among what it owns. Only
// then are they free for others, and only then does it go to the target's epoch and take what is free.
#pragma once

#include <optional>

#include "absl/functional/function_ref.h"
#include "broker/group/core/consumer/consumer_record.h"
#include "broker/group/core/consumer/partitions.h"

namespace sluice::broker {

struct ReconcileInput {
  const MemberAssignment& now;
  const PartitionList& target;
  int32_t target_epoch;
  const std::optional<PartitionList>& owned;  // As the member says; nothing: it did not.
  absl::FunctionRef<bool(const Uuid& topic)> subscribes_to;
  absl::FunctionRef<bool(const TopicIdPartition&)> is_held_by_others;
};

MemberAssignment Reconcile(const ReconcileInput& input);

}  // namespace sluice::broker
