// ConsumerGroupHeartbeat: a member joins, stays, leaves.
#include <algorithm>
#include <utility>

#include "broker/group/core/consumer/consumer_group.h"
#include "broker/group/core/consumer/reconcile.h"

namespace sluice::broker {
namespace {

template <class T>
void SetIfSaid(const std::optional<T>& said, std::optional<T>* value) {
  if (said) {
    *value = said;
  }
}

MemberSubscription Updated(MemberSubscription was, const ConsumerHeartbeat& request) {
  SetIfSaid(request.instance_id, &was.instance_id);
  SetIfSaid(request.rack_id, &was.rack_id);
  SetIfSaid(request.assignor, &was.assignor);
  if (request.rebalance_timeout_ms != -1) {
    was.rebalance_timeout_ms = request.rebalance_timeout_ms;
  }
  if (request.topics) {
    const std::set<std::string> names(request.topics->begin(), request.topics->end());
    was.topics.assign(names.begin(), names.end());
  }
  was.regex = request.regex.value_or(was.regex);
  was.client_id = request.client_id;
  was.client_host = request.client_host;
  was.classic.reset();
  return was;
}

// A request that leaves nothing out comes from a member that is not sure what it was told last.
bool IsFull(const ConsumerHeartbeat& request) {
  return request.rebalance_timeout_ms != -1 && (request.topics || request.regex) && request.owned;
}

bool SamePartitions(const OwnedPartitions& a, const OwnedPartitions& b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(),
                    [](const auto& one, const auto& other) { return one.first == other.first; });
}

}  // namespace

ConsumerHeartbeatAnswer ConsumerGroup::Heartbeat(const ConsumerHeartbeat& request, const TopicView& topics,
                                                 const GroupTime& now, ConsumerEffects* effects) {
  if (request.epoch < 0) {
    return Leave(request, topics, now, effects);
  }
  const std::string member_id = request.member_id.empty() ? request.new_member_id : request.member_id;
  for (Refusal refusal : {CheckRoom(member_id), CheckMember(request), CheckRegex(request)}) {
    if (!refusal.ok()) {
      return ToAnswer(std::move(refusal));
    }
  }
  if (const std::string* owner = OwnerOf(request.instance_id); owner != nullptr && *owner != member_id) {
    ReplaceStatic(std::string(*owner), member_id, effects);
  }
  const ConsumerMember before = members_.contains(member_id) ? members_.at(member_id) : ConsumerMember();
  const bool changed =
      Subscribe(member_id, Updated(before.subscription.value_or(MemberSubscription()), request), effects);
  UpdateGroup(changed, topics, now, effects);
  Step(member_id, request.owned, now, effects);
  ConsumerMember& member = members_.at(member_id);
  HeardOf(&member, now);
  ConsumerHeartbeatAnswer answer{.member_id = member_id,
                                 .epoch = member.current.epoch,
                                 .heartbeat_interval_ms = limits_.heartbeat_interval_ms};
  if (request.epoch == kJoinEpoch || IsFull(request) ||
      !SamePartitions(before.current.assigned, member.current.assigned)) {
    answer.assignment = ListOf(member.current.assigned);
  }
  return answer;
}

// A static member that is away for a moment keeps what it has, and nobody notices until its session is over.
ConsumerHeartbeatAnswer ConsumerGroup::Leave(const ConsumerHeartbeat& request, const TopicView& topics,
                                             const GroupTime& now, ConsumerEffects* effects) {
  if (Refusal refusal = CheckMember(request); !refusal.ok()) {
    return ToAnswer(std::move(refusal));
  }
  if (request.epoch == kStaticLeaveEpoch) {
    ConsumerMember& member = members_.at(request.member_id);
    MemberAssignment away = member.current;
    away.epoch = kStaticLeaveEpoch;
    away.revoking.clear();
    member.revoke_deadline_ms.reset();
    Emit(MemberAssignmentRecord{request.member_id, std::move(away)}, effects);
  } else {
    Fence({request.member_id}, topics, now, effects);
  }
  return {.member_id = request.member_id, .epoch = request.epoch};
}

bool ConsumerGroup::Subscribe(const std::string& member_id, MemberSubscription subscription,
                              ConsumerEffects* effects) {
  const auto found = members_.find(member_id);
  const std::optional<MemberSubscription> before =
      found == members_.end() ? std::nullopt : found->second.subscription;
  if (before == subscription) {
    return false;
  }
  const bool changed = (before ? before->topics : std::vector<std::string>()) != subscription.topics ||
                       (before ? before->regex : "") != subscription.regex;
  Emit(MemberSubscriptionRecord{member_id, std::move(subscription)}, effects);
  ForgetRegexes(effects);
  return changed;
}

void ConsumerGroup::UpdateGroup(bool bump, const TopicView& topics, const GroupTime& now,
                                ConsumerEffects* effects) {
  bump |= group_.epoch == 0;
  bump |= ResolveRegexes(topics, now, effects);
  if (bump || topics_version_ != topics.version()) {
    LearnTopics(topics);
    bump |= MetadataHashNow() != group_.metadata_hash;
  }
  if (bump) {
    BumpEpoch(now, effects);
  }
  if (group_.epoch > target_.epoch) {
    UpdateTarget(now, effects);
  }
}

void ConsumerGroup::Step(const std::string& member_id, const std::optional<PartitionList>& owned,
                         const GroupTime& now, ConsumerEffects* effects) {
  const ConsumerMember& member = members_.at(member_id);
  MemberAssignment next =
      Reconcile({.now = member.current,
                 .target = member.target,
                 .target_epoch = target_.epoch,
                 .owned = owned,
                 .subscribes_to = [&](const Uuid& topic) { return Subscribes(member, topic); },
                 .is_held_by_others =
                     [&](const TopicIdPartition& partition) {
                       const auto holder = holders_.find(partition);
                       return holder != holders_.end() && holder->second != member_id;
                     }});
  if (next == member.current) {
    return;
  }
  const bool must_revoke = next.state == MemberState::kUnrevokedPartitions && !member.is_classic();
  Emit(MemberAssignmentRecord{member_id, std::move(next)}, effects);
  ConsumerMember& stepped = members_.at(member_id);
  stepped.revoke_deadline_ms.reset();
  if (must_revoke) {
    stepped.revoke_deadline_ms = now.monotonic_ms + stepped.subscription->rebalance_timeout_ms;
  }
}

void ConsumerGroup::HeardOf(ConsumerMember* member, const GroupTime& now) const {
  const int32_t session_ms =
      member->is_classic() ? member->subscription->classic->session_timeout_ms : limits_.session_timeout_ms;
  member->session_deadline_ms = now.monotonic_ms + session_ms;
}

void ConsumerGroup::OnTime(const TopicView& topics, const GroupTime& now, ConsumerEffects* effects) {
  std::set<std::string> late;
  for (const auto& [id, member] : members_) {
    if (member.deadline_ms() <= now.monotonic_ms) {
      late.insert(id);
    }
  }
  Fence(late, topics, now, effects);
}

int64_t ConsumerGroup::next_deadline_ms() const {
  int64_t next = INT64_MAX;
  for (const auto& [id, member] : members_) {
    next = std::min(next, member.deadline_ms());
  }
  return next;
}

kafka::ErrorCode ConsumerGroup::CheckCommit(const MemberClaim& claim,
                                            const std::vector<TopicPartition>& partitions,
                                            const TopicView& topics) const {
  if (claim.generation < 0 && members_.empty()) {
    return kafka::ErrorCode::kNone;  // An administrator, or a consumer that assigns by hand.
  }
  const auto found = members_.find(claim.member_id);
  if (found == members_.end()) {
    return kafka::ErrorCode::kUnknownMemberId;
  }
  const ConsumerMember& member = found->second;
  if (claim.generation == member.current.epoch) {
    return kafka::ErrorCode::kNone;
  }
  const bool may_have_had_them =
      claim.generation < member.current.epoch &&
      std::all_of(partitions.begin(), partitions.end(), [&](const TopicPartition& at) {
        const auto shape = topics.Find(at.topic);
        const auto has =
            shape ? member.current.assigned.find({shape->id, at.partition}) : member.current.assigned.end();
        return has != member.current.assigned.end() && claim.generation >= has->second;
      });
  if (may_have_had_them) {
    return kafka::ErrorCode::kNone;
  }
  return member.is_classic() ? kafka::ErrorCode::kIllegalGeneration : kafka::ErrorCode::kStaleMemberEpoch;
}

kafka::ErrorCode ConsumerGroup::CheckFetch(const std::optional<std::string>& member_id, int32_t epoch) const {
  if (!member_id && epoch < 0) {
    return kafka::ErrorCode::kNone;
  }
  const auto found = members_.find(member_id.value_or(""));
  if (found == members_.end()) {
    return kafka::ErrorCode::kUnknownMemberId;
  }
  if (found->second.current.epoch == epoch) {
    return kafka::ErrorCode::kNone;
  }
  return found->second.is_classic() ? kafka::ErrorCode::kIllegalGeneration
                                    : kafka::ErrorCode::kStaleMemberEpoch;
}

}  // namespace sluice::broker
