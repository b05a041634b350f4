#include "broker/group/core/consumer/migration.h"

#include <set>
#include <utility>

#include "broker/group/core/consumer/classic_bytes.h"
#include "broker/group/core/consumer_subscription.h"

namespace sluice::broker {
namespace {

std::optional<MemberSubscription> SubscriptionOf(const ClassicMember& member,
                                                 const std::optional<std::string>& protocol) {
  const GroupProtocol* spoken = protocol ? member.Find(*protocol) : nullptr;
  if (spoken == nullptr && !member.protocols.empty()) {
    spoken = &member.protocols.front();
  }
  const auto parsed = spoken == nullptr ? std::nullopt : ParseSubscription(spoken->metadata);
  if (!parsed) {
    return std::nullopt;
  }
  const std::set<std::string> topics(parsed->topics.begin(), parsed->topics.end());
  return MemberSubscription{
      .instance_id = member.instance_id,
      .rack_id = parsed->rack_id,
      .client_id = member.client_id,
      .client_host = member.client_host,
      .topics = {topics.begin(), topics.end()},
      .rebalance_timeout_ms = member.rebalance_timeout_ms,
      .classic = ClassicSide{.session_timeout_ms = member.session_timeout_ms, .protocols = member.protocols}};
}

}  // namespace

std::optional<ConsumerGroup> Upgrade(const ClassicGroup& classic, const ConsumerLimits& limits,
                                     const TopicView& topics, const GroupTime& now,
                                     ConsumerEffects* effects) {
  if (!limits.may_upgrade || !classic.IsConsumerGroup() ||
      classic.members().size() > static_cast<size_t>(limits.size_max)) {
    return std::nullopt;
  }
  std::map<std::string, MemberSubscription> members;
  std::map<std::string, PartitionList> assignments;
  for (const auto& [id, member] : classic.members()) {
    auto subscription = SubscriptionOf(member, classic.protocol());
    auto assignment = DecodeAssignment(member.assignment, topics);
    if (!subscription || !assignment) {
      return std::nullopt;
    }
    members.emplace(id, *std::move(subscription));
    assignments.emplace(id, *std::move(assignment));
  }
  ConsumerGroup group(classic.id(), limits);
  group.TakeOver(std::max(classic.generation(), 1), members, assignments, topics, now, effects);
  return group;
}

ClassicGroup ToClassicGroup(const ConsumerGroup& group, const Downgrade& downgrade, const GroupLimits& limits,
                            const TopicView& topics, const GroupTime& now, ClassicEffects* effects) {
  std::vector<ClassicMember> members;
  for (const auto& [id, member] : group.members()) {
    if (downgrade.without.contains(id)) {
      continue;
    }
    const MemberSubscription& subscription = *member.subscription;
    ClassicMember& taken = members.emplace_back();
    taken.id = id;
    taken.instance_id = subscription.instance_id;
    taken.client_id = subscription.client_id;
    taken.client_host = subscription.client_host;
    taken.session_timeout_ms = subscription.classic->session_timeout_ms;
    taken.rebalance_timeout_ms = subscription.rebalance_timeout_ms;
    taken.protocols = subscription.classic->protocols;
    taken.assignment = EncodeAssignment(member.target, taken.protocols.front().metadata, topics);
    taken.is_new = false;
  }
  ClassicGroup classic(group.id(), limits);
  classic.TakeOver(group.epoch(), std::move(members), now.monotonic_ms);
  effects->store = true;
  if (downgrade.rebalance) {
    classic.AskAllToJoin(now.monotonic_ms, effects);
  }
  return classic;
}

// As Kafka writes it: who is in it, the epoch, what everyone shall have, and has.
void ConsumerGroup::TakeOver(int32_t generation, const std::map<std::string, MemberSubscription>& members,
                             const std::map<std::string, PartitionList>& assignments, const TopicView& topics,
                             const GroupTime& now, ConsumerEffects* effects) {
  for (const auto& [id, subscription] : members) {
    Emit(MemberSubscriptionRecord{id, subscription}, effects);
  }
  LearnTopics(topics);
  Emit(GroupEpochRecord{GroupEpoch{
           .epoch = generation, .metadata_hash = MetadataHashNow(), .created_ms = now.wall_ms}},
       effects);
  for (const auto& [id, partitions] : assignments) {
    Emit(TargetAssignmentRecord{id, partitions}, effects);
  }
  Emit(TargetEpochRecord{TargetEpoch{.epoch = generation, .computed_ms = now.wall_ms}}, effects);
  std::set<TopicIdPartition> given;
  for (const auto& [id, partitions] : assignments) {
    MemberAssignment current{.epoch = generation, .previous_epoch = generation};
    for (const TopicIdPartition& partition : partitions) {
      if (given.insert(partition).second) {  // The members' own assignor may have given it to two.
        current.assigned.emplace(partition, generation);
      }
    }
    Emit(MemberAssignmentRecord{id, std::move(current)}, effects);
    HeardOf(&members_.at(id), now);
  }
}

}  // namespace sluice::broker
