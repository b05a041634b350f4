// The state of a group, and the records that it is made of.
#include <utility>

#include "broker/group/core/consumer/consumer_group.h"

namespace sluice::broker {

absl::string_view ConsumerGroupStateName(ConsumerGroupState state) {
  switch (state) {
    case ConsumerGroupState::kEmpty:
      return "Empty";
    case ConsumerGroupState::kAssigning:
      return "Assigning";
    case ConsumerGroupState::kReconciling:
      return "Reconciling";
    case ConsumerGroupState::kStable:
      break;
  }
  return "Stable";
}

ConsumerGroupState ConsumerGroup::state() const {
  if (members_.empty()) {
    return ConsumerGroupState::kEmpty;
  }
  if (group_.epoch > target_.epoch) {
    return ConsumerGroupState::kAssigning;
  }
  for (const auto& [id, member] : members_) {
    if (!member.IsReconciledTo(target_.epoch)) {
      return ConsumerGroupState::kReconciling;
    }
  }
  return ConsumerGroupState::kStable;
}

void ConsumerGroup::Emit(ConsumerRecord record, ConsumerEffects* effects) {
  Apply(record);
  effects->records.push_back(std::move(record));
}

void ConsumerGroup::Apply(const ConsumerRecord& record) {
  std::visit([this](const auto& of_kind) { ApplyRecord(of_kind); }, record);
}

void ConsumerGroup::ApplyRecord(const GroupEpochRecord& record) {
  group_ = record.value.value_or(GroupEpoch());
}

void ConsumerGroup::ApplyRecord(const TargetEpochRecord& record) {
  target_ = record.value.value_or(TargetEpoch());
}

void ConsumerGroup::ApplyRecord(const MemberSubscriptionRecord& record) {
  ConsumerMember& member = members_[record.member_id];
  const auto instance_of = [](const std::optional<MemberSubscription>& subscription) {
    return subscription ? subscription->instance_id : std::nullopt;
  };
  if (const auto before = instance_of(member.subscription); OwnerOf(before) != nullptr) {
    if (*OwnerOf(before) == record.member_id) {
      statics_.erase(*before);
    }
  }
  member.subscription = record.value;
  if (const auto instance = instance_of(member.subscription)) {
    statics_[*instance] = record.member_id;
  }
  ForgetIfNothingIsLeft(record.member_id);
}

void ConsumerGroup::ApplyRecord(const TargetAssignmentRecord& record) {
  ConsumerMember& member = members_[record.member_id];
  member.has_target = record.value.has_value();
  member.target = record.value.value_or(PartitionList());
  ForgetIfNothingIsLeft(record.member_id);
}

void ConsumerGroup::ApplyRecord(const MemberAssignmentRecord& record) {
  ConsumerMember& member = members_[record.member_id];
  UnsetHolder(record.member_id, member.current.assigned);
  UnsetHolder(record.member_id, member.current.revoking);
  member.current = record.value.value_or(MemberAssignment());
  SetHolder(record.member_id, member.current.assigned);
  SetHolder(record.member_id, member.current.revoking);
  ForgetIfNothingIsLeft(record.member_id);
}

void ConsumerGroup::ApplyRecord(const RegexRecord& record) {
  if (record.value) {
    regexes_[record.regex] = *record.value;
  } else {
    regexes_.erase(record.regex);
  }
}

// A compacted log tells what was last, each in its own place: for a moment two members may seem to have the
// same partition. FinishLoading counts again.
void ConsumerGroup::SetHolder(const std::string& member_id, const OwnedPartitions& partitions) {
  for (const auto& [partition, since] : partitions) {
    holders_.try_emplace(partition, member_id);
  }
}

void ConsumerGroup::UnsetHolder(const std::string& member_id, const OwnedPartitions& partitions) {
  for (const auto& [partition, since] : partitions) {
    const auto holder = holders_.find(partition);
    if (holder != holders_.end() && holder->second == member_id) {
      holders_.erase(holder);
    }
  }
}

void ConsumerGroup::ForgetIfNothingIsLeft(const std::string& member_id) {
  const ConsumerMember& member = members_.at(member_id);
  if (!member.subscription && !member.has_target && member.current == MemberAssignment()) {
    members_.erase(member_id);
  }
}

void ConsumerGroup::FinishLoading(const GroupTime& now) {
  std::erase_if(members_, [](const auto& entry) { return !entry.second.subscription; });
  holders_.clear();
  for (auto& [id, member] : members_) {
    SetHolder(id, member.current.assigned);
    SetHolder(id, member.current.revoking);
    HeardOf(&member, now);
    if (member.current.state == MemberState::kUnrevokedPartitions && !member.is_classic()) {
      member.revoke_deadline_ms = now.monotonic_ms + member.subscription->rebalance_timeout_ms;
    }
  }
}

// The order is that of a member's own tombstones: what it has, what it shall have, who it is.
std::vector<ConsumerRecord> ConsumerGroup::Tombstones() const {
  std::vector<ConsumerRecord> records;
  for (const auto& [id, member] : members_) {
    records.push_back(MemberAssignmentRecord{id, std::nullopt});
  }
  for (const auto& [id, member] : members_) {
    records.push_back(TargetAssignmentRecord{id, std::nullopt});
  }
  records.push_back(TargetEpochRecord{});
  for (const auto& [id, member] : members_) {
    records.push_back(MemberSubscriptionRecord{id, std::nullopt});
  }
  for (const auto& [regex, resolved] : regexes_) {
    records.push_back(RegexRecord{regex, std::nullopt});
  }
  records.push_back(GroupEpochRecord{});
  return records;
}

}  // namespace sluice::broker
