#include "broker/group/core/consumer/reconcile.h"

#include <utility>

namespace sluice::broker {
namespace {

// A member that does not say what it owns may own all of them still.
bool StillOwns(const std::optional<PartitionList>& owned, const OwnedPartitions& revoking) {
  return !owned || std::any_of(owned->begin(), owned->end(), [&revoking](const TopicIdPartition& partition) {
    return revoking.contains(partition);
  });
}

// The epoch before stays known until there is another: any number of answers may be lost. (Kafka forgets it
// with the next step that the member takes.)
void GoTo(int32_t epoch, MemberAssignment* member) {
  if (member->epoch != epoch) {
    member->previous_epoch = std::exchange(member->epoch, epoch);
  }
}

// Topics that the member does not read any more are taken from it without waiting for the next target.
MemberAssignment DropUnsubscribed(const ReconcileInput& input) {
  MemberAssignment next = input.now;
  for (const auto& [partition, since] : input.now.assigned) {
    if (!input.subscribes_to(partition.topic)) {
      next.assigned.erase(partition);
      next.revoking.emplace(partition, since);
    }
  }
  if (next.assigned.size() == input.now.assigned.size()) {
    return input.now;
  }
  if (StillOwns(input.owned, next.revoking)) {
    next.state = MemberState::kUnrevokedPartitions;
  } else {
    next.revoking = input.now.revoking;
  }
  GoTo(input.now.epoch, &next);
  return next;
}

MemberAssignment TowardsTarget(const ReconcileInput& input, int32_t from_epoch) {
  MemberAssignment next = input.now;
  next.assigned.clear();
  next.revoking.clear();
  for (const auto& [partition, since] : input.now.assigned) {
    const bool keeps = Contains(input.target, partition) && input.subscribes_to(partition.topic);
    (keeps ? next.assigned : next.revoking).emplace(partition, since);
  }
  if (!next.revoking.empty() && StillOwns(input.owned, next.revoking)) {
    next.state = MemberState::kUnrevokedPartitions;
    GoTo(from_epoch, &next);
    return next;
  }
  next.revoking.clear();
  next.state = MemberState::kStable;
  for (const TopicIdPartition& partition : input.target) {
    if (next.assigned.contains(partition) || !input.subscribes_to(partition.topic)) {
      continue;
    }
    if (input.is_held_by_others(partition)) {
      next.state = MemberState::kUnreleasedPartitions;
    } else {
      next.assigned.emplace(partition, input.target_epoch);
    }
  }
  GoTo(input.target_epoch, &next);
  return next;
}

}  // namespace

MemberAssignment Reconcile(const ReconcileInput& input) {
  switch (input.now.state) {
    case MemberState::kStable:
      return input.now.epoch == input.target_epoch ? DropUnsubscribed(input)
                                                   : TowardsTarget(input, input.now.epoch);
    case MemberState::kUnrevokedPartitions:
      return StillOwns(input.owned, input.now.revoking) ? DropUnsubscribed(input)
                                                        : TowardsTarget(input, input.now.epoch);
    case MemberState::kUnreleasedPartitions:
      return TowardsTarget(input, input.now.epoch);
    case MemberState::kUnknown:  // Has nothing, or it would not have come this far.
      break;
  }
  return TowardsTarget(input, input.target_epoch);
}

}  // namespace sluice::broker
