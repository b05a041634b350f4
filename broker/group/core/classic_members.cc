// What members of a generation do: ask for their assignment, show that they live, commit, leave.
#include <utility>

#include "broker/group/core/classic_group.h"

namespace sluice::broker {

using kafka::ErrorCode;

absl::string_view GroupStateName(GroupState state) {
  switch (state) {
    case GroupState::kEmpty:
      return "Empty";
    case GroupState::kPreparingRebalance:
      return "PreparingRebalance";
    case GroupState::kCompletingRebalance:
      return "CompletingRebalance";
    case GroupState::kStable:
      return "Stable";
    case GroupState::kDead:
      break;
  }
  return "Dead";
}

ErrorCode ClassicGroup::CheckMember(const std::string& member_id,
                                    const std::optional<std::string>& instance_id) const {
  if (state_ == GroupState::kDead) {
    return ErrorCode::kCoordinatorNotAvailable;
  }
  if (instance_id) {
    const auto owner = statics_.find(*instance_id);
    if (owner == statics_.end()) {
      return ErrorCode::kUnknownMemberId;
    }
    return owner->second == member_id ? ErrorCode::kNone : ErrorCode::kFencedInstanceId;
  }
  return members_.contains(member_id) ? ErrorCode::kNone : ErrorCode::kUnknownMemberId;
}

void ClassicGroup::Sync(const SyncRequest& request, AnswerToken token, int64_t now_ms,
                        ClassicEffects* effects) {
  const auto refuse = [&](ErrorCode error) {
    effects->syncs.emplace_back(token, SyncAnswer{.error = error});
  };
  const MemberClaim& claim = request.member;
  if (const ErrorCode error = CheckMember(claim.member_id, claim.instance_id); error != ErrorCode::kNone) {
    return refuse(error);
  }
  if (claim.generation != generation_) {
    return refuse(ErrorCode::kIllegalGeneration);
  }
  if ((request.protocol_type && *request.protocol_type != protocol_type_) ||
      (request.protocol && *request.protocol != protocol_.value_or(""))) {
    return refuse(ErrorCode::kInconsistentGroupProtocol);
  }
  if (state_ == GroupState::kPreparingRebalance) {
    return refuse(ErrorCode::kRebalanceInProgress);
  }
  ClassicMember& member = members_.at(claim.member_id);
  member.owes_sync = false;
  if (state_ == GroupState::kStable) {
    HeardOf(&member, now_ms);
    effects->syncs.emplace_back(token, AssignmentOf(member));
    return;
  }
  if (member.waiting_sync) {
    effects->syncs.emplace_back(*member.waiting_sync, SyncAnswer{.error = ErrorCode::kRebalanceInProgress});
  }
  member.waiting_sync = token;
  if (member.id != leader_) {
    return;
  }
  for (auto& [id, other] : members_) {
    other.assignment.clear();
  }
  for (const auto& [id, assignment] : request.assignments) {
    if (const auto found = members_.find(id); found != members_.end()) {
      found->second.assignment = assignment;
    }
  }
  state_ = GroupState::kStable;
  effects->store = true;
  AnswerSyncs(ErrorCode::kNone, now_ms, effects);
}

void ClassicGroup::AnswerSyncs(ErrorCode error, int64_t now_ms, ClassicEffects* effects) {
  for (auto& [id, member] : members_) {
    if (!member.waiting_sync) {
      continue;
    }
    SyncAnswer answer = error == ErrorCode::kNone ? AssignmentOf(member) : SyncAnswer{.error = error};
    effects->syncs.emplace_back(*std::exchange(member.waiting_sync, std::nullopt), std::move(answer));
    HeardOf(&member, now_ms);
  }
}

SyncAnswer ClassicGroup::AssignmentOf(const ClassicMember& member) const {
  return {.error = ErrorCode::kNone,
          .protocol_type = protocol_type_,
          .protocol = protocol_,
          .assignment = member.assignment};
}

ErrorCode ClassicGroup::Heartbeat(const MemberClaim& claim, int64_t now_ms) {
  if (const ErrorCode error = CheckMember(claim.member_id, claim.instance_id); error != ErrorCode::kNone) {
    return error;
  }
  if (claim.generation != generation_) {
    return ErrorCode::kIllegalGeneration;
  }
  HeardOf(&members_.at(claim.member_id), now_ms);
  return state_ == GroupState::kPreparingRebalance ? ErrorCode::kRebalanceInProgress : ErrorCode::kNone;
}

ErrorCode ClassicGroup::CheckCommit(const MemberClaim& claim, int64_t now_ms) {
  const bool is_member = claim.generation >= 0 || !claim.member_id.empty() || claim.instance_id.has_value();
  if (state_ == GroupState::kDead) {
    return ErrorCode::kCoordinatorNotAvailable;
  }
  if (!is_member) {  // A consumer that assigns by hand. It must not overwrite what members are doing.
    return state_ == GroupState::kEmpty ? ErrorCode::kNone : ErrorCode::kUnknownMemberId;
  }
  if (claim.generation < 0 && state_ == GroupState::kEmpty) {
    return ErrorCode::kNone;  // As in Kafka: an administrator's tool may name a member that is gone.
  }
  if (const ErrorCode error = CheckMember(claim.member_id, claim.instance_id); error != ErrorCode::kNone) {
    return error;
  }
  if (claim.generation != generation_) {
    return ErrorCode::kIllegalGeneration;
  }
  if (state_ == GroupState::kCompletingRebalance) {
    return ErrorCode::kRebalanceInProgress;
  }
  HeardOf(&members_.at(claim.member_id), now_ms);
  return ErrorCode::kNone;
}

ErrorCode ClassicGroup::Leave(const LeaveRequest& request, int64_t now_ms, ClassicEffects* effects) {
  if (state_ == GroupState::kDead) {
    return ErrorCode::kCoordinatorNotAvailable;
  }
  if (!request.instance_id && pending_.erase(request.member_id) > 0) {
    CompleteIfAllJoined(now_ms, effects);
    return ErrorCode::kNone;
  }
  std::string member_id = request.member_id;
  if (request.instance_id && member_id.empty()) {  // An administrator removes a static member by its name.
    const auto owner = statics_.find(*request.instance_id);
    member_id = owner == statics_.end() ? member_id : owner->second;
  }
  if (const ErrorCode error = CheckMember(member_id, request.instance_id); error != ErrorCode::kNone) {
    return error;
  }
  RemoveAndRebalance(member_id, now_ms, effects);
  return ErrorCode::kNone;
}

void ClassicGroup::Remove(const std::string& member_id, ClassicEffects* effects) {
  auto node = members_.extract(member_id);
  const ClassicMember& member = node.mapped();
  if (member.waiting_join) {
    JoinAnswer answer;
    answer.error = ErrorCode::kUnknownMemberId;
    effects->joins.emplace_back(*member.waiting_join, std::move(answer));
  }
  if (member.waiting_sync) {
    effects->syncs.emplace_back(*member.waiting_sync, SyncAnswer{.error = ErrorCode::kUnknownMemberId});
  }
  if (member.instance_id) {
    statics_.erase(*member.instance_id);
  }
  std::erase(join_order_, member_id);
}

void ClassicGroup::RemoveAndRebalance(const std::string& member_id, int64_t now_ms, ClassicEffects* effects) {
  Remove(member_id, effects);
  Rebalance(now_ms, effects);
}

// Whoever waits for an answer of ours cannot be expected to speak; but a new member that waits for very long
// may have lost its connection.
bool ClassicGroup::IsDue(const ClassicMember& member, int64_t now_ms) {
  const bool waits_for_us = !member.is_new && (member.waiting_join || member.waiting_sync);
  return !waits_for_us && member.deadline_ms <= now_ms;
}

void ClassicGroup::AbandonWaiting(ErrorCode error, ClassicEffects* effects) {
  for (auto& [id, member] : members_) {
    if (member.waiting_join) {
      JoinAnswer answer;
      answer.error = error;
      answer.member_id = id;
      effects->joins.emplace_back(*std::exchange(member.waiting_join, std::nullopt), std::move(answer));
    }
    if (member.waiting_sync) {
      effects->syncs.emplace_back(*std::exchange(member.waiting_sync, std::nullopt),
                                  SyncAnswer{.error = error});
    }
  }
}

}  // namespace sluice::broker
