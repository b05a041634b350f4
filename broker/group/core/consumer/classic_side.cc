// Members of a consumer group that speak the classic protocol. Nothing waits here: each goes at its own pace.
//
//   JoinGroup  the epoch that the member is in, or goes to, is the generation      SyncGroup  what it has
//   there Heartbeat  REBALANCE_IN_PROGRESS: there is more to give up, or to get: join again
#include <algorithm>
#include <utility>

#include "broker/group/core/consumer/classic_bytes.h"
#include "broker/group/core/consumer/consumer_group.h"
#include "broker/group/core/consumer_subscription.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;

constexpr char kProtocolType[] = "consumer";

JoinAnswer JoinRefusal(ErrorCode error, const std::string& member_id) {
  JoinAnswer answer;
  answer.error = error;
  answer.member_id = member_id;
  return answer;
}

MemberSubscription SubscriptionOf(MemberSubscription was, const JoinRequest& request,
                                  const kafka::ConsumerProtocolSubscription& subscription) {
  was.instance_id = request.instance_id ? request.instance_id : was.instance_id;
  was.rack_id = subscription.rack_id ? subscription.rack_id : was.rack_id;
  was.client_id = request.client_id;
  was.client_host = request.client_host;
  const std::set<std::string> topics(subscription.topics.begin(), subscription.topics.end());
  was.topics.assign(topics.begin(), topics.end());
  was.regex.clear();
  was.rebalance_timeout_ms = request.rebalance_timeout_ms;
  was.classic = ClassicSide{.session_timeout_ms = request.session_timeout_ms, .protocols = request.protocols};
  return was;
}

}  // namespace

// One protocol that all classic members speak must be left.
bool ConsumerGroup::SupportsClassic(const JoinRequest& request) const {
  if (request.protocol_type != kProtocolType) {
    return false;
  }
  const auto all_speak = [this](const GroupProtocol& protocol) {
    return std::all_of(members_.begin(), members_.end(), [&](const auto& entry) {
      const auto& classic = entry.second.subscription->classic;
      return !classic ||
             std::any_of(classic->protocols.begin(), classic->protocols.end(),
                         [&](const GroupProtocol& spoken) { return spoken.name == protocol.name; });
    });
  };
  return std::any_of(request.protocols.begin(), request.protocols.end(), all_speak);
}

ConsumerGroup::Refusal ConsumerGroup::CheckJoin(const JoinRequest& request) const {
  if (Refusal refusal = CheckRoom(request.member_id); !refusal.ok()) {
    return refusal;
  }
  if (!SupportsClassic(request)) {
    return {ErrorCode::kInconsistentGroupProtocol};
  }
  if (request.instance_id && !request.member_id.empty()) {
    return CheckStatic(*request.instance_id, request.member_id);
  }
  return {};
}

JoinAnswer ConsumerGroup::Join(const JoinRequest& request, const TopicView& topics, const GroupTime& now,
                               ConsumerEffects* effects) {
  if (const Refusal refusal = CheckJoin(request); !refusal.ok()) {
    return JoinRefusal(refusal.error, request.member_id);
  }
  const auto subscription = ParseSubscription(request.protocols.front().metadata);
  if (!subscription) {
    return JoinRefusal(ErrorCode::kInconsistentGroupProtocol, request.member_id);
  }
  const bool is_new = request.member_id.empty();
  const std::string member_id = is_new ? request.new_member_id : request.member_id;
  if (is_new && !request.instance_id && request.must_know_its_id) {
    return JoinRefusal(ErrorCode::kMemberIdRequired, member_id);
  }
  if (const std::string* owner = OwnerOf(request.instance_id); owner != nullptr && *owner != member_id) {
    ReplaceStatic(std::string(*owner), member_id, effects);
  }
  const auto was = members_.contains(member_id) ? members_.at(member_id).subscription : std::nullopt;
  const bool changed = Subscribe(
      member_id, SubscriptionOf(was.value_or(MemberSubscription()), request, *subscription), effects);
  UpdateGroup(changed, topics, now, effects);
  Step(member_id, ToPartitions(subscription->owned_partitions, topics), now, effects);
  ConsumerMember& member = members_.at(member_id);
  HeardOf(&member, now);
  member.join_deadline_ms.reset();
  member.sync_deadline_ms = now.monotonic_ms + request.rebalance_timeout_ms;
  if (was && !was->classic && CanDowngradeWithout({})) {  // It was the last of the other protocol.
    effects->downgrade = Downgrade{.without = {}, .rebalance = changed};
  }
  JoinAnswer answer;
  answer.generation = member.current.epoch;
  answer.protocol_type = kProtocolType;
  answer.protocol = request.protocols.front().name;
  answer.member_id = member_id;
  return answer;
}

ConsumerGroup::Refusal ConsumerGroup::CheckClassic(const MemberClaim& claim) const {
  if (claim.instance_id) {
    if (Refusal refusal = CheckStatic(*claim.instance_id, claim.member_id); !refusal.ok()) {
      return refusal;
    }
  }
  const auto found = members_.find(claim.member_id);
  if (found == members_.end() || !found->second.is_classic()) {
    return {ErrorCode::kUnknownMemberId};
  }
  return claim.generation == found->second.current.epoch ? Refusal{} : Refusal{ErrorCode::kIllegalGeneration};
}

SyncAnswer ConsumerGroup::Sync(const SyncRequest& request, const TopicView& topics, const GroupTime& now) {
  if (const Refusal refusal = CheckClassic(request.member); !refusal.ok()) {
    return {.error = refusal.error};
  }
  ConsumerMember& member = members_.at(request.member.member_id);
  const GroupProtocol& protocol = member.subscription->classic->protocols.front();
  if (request.protocol_type.value_or(kProtocolType) != kProtocolType ||
      request.protocol.value_or(protocol.name) != protocol.name) {
    return {.error = ErrorCode::kInconsistentGroupProtocol};
  }
  if (group_.epoch > member.current.epoch && member.current.state != MemberState::kUnrevokedPartitions) {
    AwaitJoin(&member, now);
    return {.error = ErrorCode::kRebalanceInProgress};
  }
  member.sync_deadline_ms.reset();
  HeardOf(&member, now);
  return {.protocol_type = request.protocol_type,
          .protocol = request.protocol,
          .assignment = EncodeAssignment(ListOf(member.current.assigned), protocol.metadata, topics)};
}

void ConsumerGroup::AwaitJoin(ConsumerMember* member, const GroupTime& now) const {
  if (!member->join_deadline_ms) {
    member->join_deadline_ms = now.monotonic_ms + member->subscription->rebalance_timeout_ms;
  }
}

bool ConsumerGroup::WaitsForOthers(const ConsumerMember& member) const {
  return member.current.state == MemberState::kUnreleasedPartitions &&
         std::any_of(member.target.begin(), member.target.end(), [&](const TopicIdPartition& partition) {
           return !member.current.assigned.contains(partition) && holders_.contains(partition);
         });
}

// Nobody leads who would look after topics that grow, and there may be no member of the new protocol whose
// heartbeats do.
ErrorCode ConsumerGroup::ClassicHeartbeat(const MemberClaim& claim, const TopicView& topics,
                                          const GroupTime& now, ConsumerEffects* effects) {
  if (const Refusal refusal = CheckClassic(claim); !refusal.ok()) {
    return refusal.error;
  }
  UpdateGroup(/*bump=*/false, topics, now, effects);
  ConsumerMember& member = members_.at(claim.member_id);
  HeardOf(&member, now);
  const bool has_a_next_step =
      member.current.epoch < group_.epoch || member.current.state == MemberState::kUnrevokedPartitions ||
      (member.current.state == MemberState::kUnreleasedPartitions && !WaitsForOthers(member));
  if (!has_a_next_step) {
    return ErrorCode::kNone;
  }
  AwaitJoin(&member, now);
  return ErrorCode::kRebalanceInProgress;
}

// Members of either protocol may be named; an administrator names a static one by its instance id alone.
std::vector<ErrorCode> ConsumerGroup::Leave(const std::vector<LeaveRequest>& members, const TopicView& topics,
                                            const GroupTime& now, ConsumerEffects* effects) {
  std::vector<ErrorCode> each;
  std::set<std::string> leaving;
  for (const LeaveRequest& request : members) {
    const std::string* owner = OwnerOf(request.instance_id);
    const std::string member_id = request.member_id.empty() && owner != nullptr ? *owner : request.member_id;
    ErrorCode error = members_.contains(member_id) ? ErrorCode::kNone : ErrorCode::kUnknownMemberId;
    if (request.instance_id) {
      error = CheckStatic(*request.instance_id, member_id).error;
    }
    each.push_back(error);
    if (error == ErrorCode::kNone) {
      leaving.insert(member_id);
    }
  }
  Fence(leaving, topics, now, effects);
  return each;
}

}  // namespace sluice::broker
