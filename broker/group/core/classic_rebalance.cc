// A rebalance, from its beginning to the next generation.
#include <algorithm>
#include <utility>

#include "broker/group/core/classic_group.h"

namespace sluice::broker {

using kafka::ErrorCode;

// Something changed that the members must know: begins a rebalance, or goes on with the one that there is.
void ClassicGroup::Rebalance(int64_t now_ms, ClassicEffects* effects) {
  if (state_ != GroupState::kPreparingRebalance) {
    BeginRebalance(now_ms, effects);
  }
  CompleteIfAllJoined(now_ms, effects);
}

void ClassicGroup::BeginRebalance(int64_t now_ms, ClassicEffects* effects) {
  if (state_ == GroupState::kCompletingRebalance) {
    for (auto& [id, member] : members_) {
      member.assignment.clear();
    }
    AnswerSyncs(ErrorCode::kRebalanceInProgress, now_ms, effects);
  }
  sync_deadline_ms_.reset();
  initial_delay_ = state_ == GroupState::kEmpty;
  if (initial_delay_) {  // More members are likely to come within moments: one rebalance for all of them.
    joined_meanwhile_ = false;
    join_deadline_ms_ = now_ms + limits_.initial_rebalance_delay_ms;
    initial_delay_left_ms_ = std::max(RebalanceTimeoutMs() - limits_.initial_rebalance_delay_ms, 0);
  } else {
    join_deadline_ms_ = now_ms + RebalanceTimeoutMs();
  }
  state_ = GroupState::kPreparingRebalance;
}

void ClassicGroup::CompleteIfAllJoined(int64_t now_ms, ClassicEffects* effects) {
  if (state_ != GroupState::kPreparingRebalance || !pending_.empty()) {
    return;
  }
  if (initial_delay_ && limits_.initial_rebalance_delay_ms > 0) {
    return;  // Its whole delay is waited for.
  }
  const bool all = std::all_of(members_.begin(), members_.end(),
                               [](const auto& entry) { return entry.second.waiting_join.has_value(); });
  if (all) {
    CompleteJoin(now_ms, effects);
  }
}

void ClassicGroup::OnJoinTimeout(int64_t now_ms, ClassicEffects* effects) {
  if (initial_delay_ && std::exchange(joined_meanwhile_, false) && initial_delay_left_ms_ > 0) {
    const int64_t more = std::min<int64_t>(limits_.initial_rebalance_delay_ms, initial_delay_left_ms_);
    initial_delay_left_ms_ -= more;
    join_deadline_ms_ = now_ms + more;
    return;
  }
  CompleteJoin(now_ms, effects);
}

void ClassicGroup::CompleteJoin(int64_t now_ms, ClassicEffects* effects) {
  DropAbsent(effects);
  if (!members_.empty() &&
      !HasLeader()) {  // Only static members, and none of them is back: they get another round.
    join_deadline_ms_ = now_ms + RebalanceTimeoutMs();
    return;
  }
  join_deadline_ms_.reset();
  initial_delay_ = false;
  NextGeneration();
  if (members_.empty()) {
    effects->store = true;
    return;
  }
  AnswerJoins(now_ms, effects);
}

// Static members keep their place until their session ends.
void ClassicGroup::DropAbsent(ClassicEffects* effects) {
  std::vector<std::string> absent;
  for (const auto& [id, member] : members_) {
    if (!member.waiting_join && !member.instance_id) {
      absent.push_back(id);
    }
  }
  for (const std::string& id : absent) {
    Remove(id, effects);
  }
}

// The leader of the last generation if it is back, or else who has been here for longest.
bool ClassicGroup::HasLeader() {
  const auto is_back = [this](const std::string& id) {
    const auto found = members_.find(id);
    return found != members_.end() && found->second.waiting_join.has_value();
  };
  if (is_back(leader_)) {
    return true;
  }
  const auto next = std::find_if(join_order_.begin(), join_order_.end(), is_back);
  if (next == join_order_.end()) {
    return false;
  }
  leader_ = *next;
  return true;
}

void ClassicGroup::NextGeneration() {
  ++generation_;
  if (members_.empty()) {
    state_ = GroupState::kEmpty;
    protocol_.reset();
    leader_.clear();
  } else {
    state_ = GroupState::kCompletingRebalance;
    protocol_ = ChooseProtocol();
  }
}

void ClassicGroup::AnswerJoins(int64_t now_ms, ClassicEffects* effects) {
  for (auto& [id, member] : members_) {
    if (member.waiting_join) {
      effects->joins.emplace_back(*member.waiting_join, AnswerFor(member));
      member.waiting_join.reset();
      HeardOf(&member, now_ms);
    }
    member.is_new = false;
    member.owes_sync = true;
  }
  sync_deadline_ms_ = now_ms + RebalanceTimeoutMs();
}

// A member that took the generation and never asked for its assignment is gone.
void ClassicGroup::OnSyncTimeout(int64_t now_ms, ClassicEffects* effects) {
  sync_deadline_ms_.reset();
  std::vector<std::string> late;
  for (const auto& [id, member] : members_) {
    if (member.owes_sync) {
      late.push_back(id);
    }
  }
  for (const std::string& id : late) {
    Remove(id, effects);
  }
  if (!late.empty()) {
    Rebalance(now_ms, effects);
  }
}

// Each member votes for the first of its protocols that all of them speak; of equals, the first by name.
std::string ClassicGroup::ChooseProtocol() const {
  std::map<std::string, int> votes;
  for (const auto& [id, member] : members_) {
    const auto vote =
        std::find_if(member.protocols.begin(), member.protocols.end(),
                     [this](const GroupProtocol& protocol) { return AllSupport(protocol.name); });
    if (vote != member.protocols.end()) {
      ++votes[vote->name];
    }
  }
  const auto most = std::max_element(votes.begin(), votes.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == votes.end() ? std::string() : most->first;
}

bool ClassicGroup::AllSupport(absl::string_view protocol) const {
  return std::all_of(members_.begin(), members_.end(),
                     [protocol](const auto& entry) { return entry.second.Find(protocol) != nullptr; });
}

int32_t ClassicGroup::RebalanceTimeoutMs() const {
  int32_t longest = 0;
  for (const auto& [id, member] : members_) {
    longest = std::max(longest, member.rebalance_timeout_ms);
  }
  return longest;
}

void ClassicGroup::OnTime(int64_t now_ms, ClassicEffects* effects) {
  if (state_ == GroupState::kDead) {
    return;
  }
  ExpireMembers(now_ms, effects);
  if (state_ == GroupState::kPreparingRebalance && join_deadline_ms_ && *join_deadline_ms_ <= now_ms) {
    OnJoinTimeout(now_ms, effects);
  }
  if (sync_deadline_ms_ && *sync_deadline_ms_ <= now_ms) {
    OnSyncTimeout(now_ms, effects);
  }
}

void ClassicGroup::ExpireMembers(int64_t now_ms, ClassicEffects* effects) {
  const bool given_up =
      std::erase_if(pending_, [now_ms](const auto& entry) { return entry.second <= now_ms; }) > 0;
  std::vector<std::string> late;
  for (const auto& [id, member] : members_) {
    if (IsDue(member, now_ms)) {
      late.push_back(id);
    }
  }
  for (const std::string& id : late) {
    // The rebalance that one's removal led to may have left the next behind as well, or just answered it.
    const auto found = members_.find(id);
    if (found != members_.end() && IsDue(found->second, now_ms)) {
      RemoveAndRebalance(id, now_ms, effects);
    }
  }
  if (given_up) {
    CompleteIfAllJoined(now_ms, effects);
  }
}

int64_t ClassicGroup::next_deadline_ms() const {
  int64_t next = INT64_MAX;
  for (const auto& [id, member] : members_) {
    if (member.is_new || (!member.waiting_join && !member.waiting_sync)) {
      next = std::min(next, member.deadline_ms);
    }
  }
  for (const auto& [id, deadline_ms] : pending_) {
    next = std::min(next, deadline_ms);
  }
  next = std::min(next, sync_deadline_ms_.value_or(INT64_MAX));
  return state_ == GroupState::kPreparingRebalance ? std::min(next, join_deadline_ms_.value_or(INT64_MAX))
                                                   : next;
}

}  // namespace sluice::broker
