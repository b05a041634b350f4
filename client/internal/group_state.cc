#include "client/internal/group_state.h"

#include <algorithm>
#include <utility>

namespace sluice::client_internal {

using kafka::ErrorCode;

GroupEffect EffectOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNone:
      return GroupEffect::kNone;
    case ErrorCode::kCoordinatorNotAvailable:
    case ErrorCode::kNotCoordinator:
      return GroupEffect::kLookUp;
    case ErrorCode::kMemberIdRequired:
      return GroupEffect::kTakeId;
    case ErrorCode::kRebalanceInProgress:
      return GroupEffect::kRebalance;
    case ErrorCode::kUnknownMemberId:
    case ErrorCode::kIllegalGeneration:
      return GroupEffect::kForgotten;
    default:
      return kafka::IsRetriable(code) ? GroupEffect::kRetry : GroupEffect::kFatal;
  }
}

GroupState::Send GroupState::Next(absl::Duration now) {
  if (std::exchange(leave_, false)) {
    return Send::kLeave;
  }
  if (under_way_ || now < not_before_) {
    return Send::kNothing;
  }
  switch (phase_) {
    case Phase::kJoining:
      under_way_ = true;
      return Send::kJoin;
    case Phase::kSyncing:
      under_way_ = true;
      return Send::kSync;
    case Phase::kPreparing:
    case Phase::kStable:
      under_way_ = is_member() && now >= heartbeat_at_;
      return under_way_ ? Send::kHeartbeat : Send::kNothing;
    default:
      return Send::kNothing;
  }
}

absl::Duration GroupState::NextAt() const {
  if (under_way_ || phase_ == Phase::kIdle || phase_ == Phase::kFailed) {
    return absl::InfiniteDuration();
  }
  if (phase_ == Phase::kJoining || phase_ == Phase::kSyncing) {
    return not_before_;
  }
  return is_member() ? std::max(not_before_, heartbeat_at_) : absl::InfiniteDuration();
}

void GroupState::NewTask(Phase phase) {
  phase_ = phase;
  ++task_;
}

void GroupState::WantJoin() {
  if (phase_ == Phase::kIdle || phase_ == Phase::kStable || phase_ == Phase::kFailed) {
    NewTask(Phase::kPreparing);
  } else if (phase_ == Phase::kSyncing) {
    phase_ = Phase::kJoining;  // What is wanted has changed since.
  }
}

void GroupState::Prepared(int64_t task, bool owns) {
  if (phase_ != Phase::kPreparing || task != task_) {
    return;
  }
  phase_ = Phase::kJoining;
  owns_ = owns;
  lost_ = false;
}

void GroupState::OnPollTooLate() {
  if (!is_member() || (phase_ != Phase::kStable && phase_ != Phase::kPreparing)) {
    return;
  }
  leave_ = !options_.is_static;
  leaving_id_ = member_id_;
  Forget();
}

void GroupState::Fail() {
  NewTask(Phase::kFailed);
  member_id_.clear();
  generation_ = -1;
  lost_ = true;
}

void GroupState::Stop() {
  NewTask(Phase::kIdle);
  member_id_.clear();
  generation_ = -1;
  lost_ = leave_ = under_way_ = false;
}

// The application must first let go of what it believes to have; whether it has anything it told last time.
void GroupState::Forget() {
  member_id_.clear();
  generation_ = -1;
  if (phase_ == Phase::kSyncing) {
    phase_ = Phase::kJoining;
  }
  if (phase_ == Phase::kJoining && !owns_) {
    return;
  }
  lost_ = true;
  NewTask(Phase::kPreparing);
}

void GroupState::BackOff(absl::Duration now) {
  const absl::Duration backoff =
      std::min(options_.retry_backoff * (1 << std::min(failures_++, 10)), options_.retry_backoff_max);
  not_before_ = now + backoff;
}

void GroupState::Apply(GroupEffect effect, absl::Duration now) {
  switch (effect) {
    case GroupEffect::kNone:
      failures_ = 0;
      return;
    case GroupEffect::kTakeId:
      return;
    case GroupEffect::kRetry:
    case GroupEffect::kLookUp:
      BackOff(now);
      return;
    case GroupEffect::kRebalance:
      if (phase_ == Phase::kStable) {
        NewTask(Phase::kPreparing);
      } else if (phase_ == Phase::kSyncing) {
        phase_ = Phase::kJoining;
      } else if (phase_ == Phase::kJoining) {
        BackOff(now);
      }
      return;
    case GroupEffect::kForgotten:
      BackOff(now);
      Forget();
      return;
    case GroupEffect::kFatal:
      Fail();
      return;
  }
}

void GroupState::OnJoined(absl::Duration now, ErrorCode code, const std::string& member_id,
                          int32_t generation) {
  under_way_ = false;
  if (phase_ != Phase::kJoining) {
    return;
  }
  const GroupEffect effect = EffectOf(code);
  if (effect == GroupEffect::kTakeId) {
    member_id_ = member_id;
    return;
  }
  if (effect == GroupEffect::kNone) {
    member_id_ = member_id;
    generation_ = generation;
    phase_ = Phase::kSyncing;
  }
  Apply(effect, now);
}

void GroupState::OnSynced(absl::Duration now, ErrorCode code) {
  under_way_ = false;
  if (phase_ != Phase::kSyncing) {
    return;
  }
  const GroupEffect effect = EffectOf(code);
  if (effect == GroupEffect::kNone) {
    heartbeat_at_ = now + options_.heartbeat_interval;
    NewTask(Phase::kStable);
  } else if (effect == GroupEffect::kRetry || effect == GroupEffect::kLookUp) {
    phase_ = Phase::kJoining;  // The new coordinator may not know this round.
  }
  Apply(effect, now);
}

void GroupState::OnHeartbeat(absl::Duration now, ErrorCode code) {
  under_way_ = false;
  const GroupEffect effect = EffectOf(code);
  const bool again = effect == GroupEffect::kRetry || effect == GroupEffect::kLookUp;
  heartbeat_at_ = again ? now : now + options_.heartbeat_interval;
  if (phase_ == Phase::kStable || phase_ == Phase::kPreparing) {
    Apply(effect, now);
  }
}

void GroupState::OnCommitted(ErrorCode code) {
  const GroupEffect effect = EffectOf(code);
  const bool tells = effect == GroupEffect::kRebalance || effect == GroupEffect::kForgotten ||
                     code == ErrorCode::kFencedInstanceId;
  if (tells && (phase_ == Phase::kStable || (phase_ == Phase::kPreparing && is_member()))) {
    Apply(effect, -absl::InfiniteDuration());
  }
}

void GroupState::OnNoAnswer(absl::Duration now) {
  under_way_ = false;
  if (phase_ == Phase::kSyncing) {
    phase_ = Phase::kJoining;
  }
  heartbeat_at_ = now;
  BackOff(now);
}

}  // namespace sluice::client_internal
