// JoinGroup: who gets in, and who comes back.
#include <algorithm>
#include <utility>

#include "broker/group/core/classic_group.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;

// How long a new member may wait for its first rebalance before its connection is taken for dead, as in
// Kafka.
constexpr int64_t kNewMemberTimeoutMs = 300'000;

JoinAnswer Refusal(ErrorCode error, const std::string& member_id) {
  JoinAnswer answer;
  answer.error = error;
  answer.member_id = member_id;
  return answer;
}

}  // namespace

void ClassicGroup::Join(const JoinRequest& request, AnswerToken token, int64_t now_ms,
                        ClassicEffects* effects) {
  if (const ErrorCode error = CheckJoin(request); error != ErrorCode::kNone) {
    effects->joins.emplace_back(token, Refusal(error, request.member_id));
  } else if (request.member_id.empty()) {
    JoinNew(request, token, now_ms, effects);
  } else {
    JoinAgain(request, token, now_ms, effects);
  }
}

ErrorCode ClassicGroup::CheckJoin(const JoinRequest& request) const {
  if (request.session_timeout_ms < limits_.session_timeout_ms_min ||
      request.session_timeout_ms > limits_.session_timeout_ms_max) {
    return ErrorCode::kInvalidSessionTimeout;
  }
  if (state_ == GroupState::kDead) {
    return ErrorCode::kCoordinatorNotAvailable;
  }
  const bool takes_over = request.instance_id && statics_.contains(*request.instance_id);
  if (!takes_over && !HasRoomFor(request.member_id)) {
    return ErrorCode::kGroupMaxSizeReached;
  }
  return Supports(request) ? ErrorCode::kNone : ErrorCode::kInconsistentGroupProtocol;
}

// While a rebalance gathers its members, those of the last generation count only once they have come back.
bool ClassicGroup::HasRoomFor(const std::string& member_id) const {
  const auto size_max = static_cast<size_t>(limits_.size_max);
  const auto found = members_.find(member_id);
  if (state_ == GroupState::kPreparingRebalance) {
    size_t joined = 0;
    for (const auto& [id, member] : members_) {
      joined += member.waiting_join.has_value() ? 1 : 0;
    }
    return (found != members_.end() && found->second.waiting_join.has_value()) || joined < size_max;
  }
  return state_ == GroupState::kEmpty || found != members_.end() || members_.size() < size_max;
}

bool ClassicGroup::Supports(const JoinRequest& request) const {
  if (request.protocol_type.empty() || request.protocols.empty()) {
    return false;
  }
  if (state_ == GroupState::kEmpty) {
    return true;
  }
  if (request.protocol_type != protocol_type_) {
    return false;
  }
  for (const GroupProtocol& protocol : request.protocols) {
    if (AllSupport(protocol.name)) {
      return true;
    }
  }
  return false;
}

void ClassicGroup::JoinNew(const JoinRequest& request, AnswerToken token, int64_t now_ms,
                           ClassicEffects* effects) {
  if (request.instance_id && statics_.contains(*request.instance_id)) {
    return ReplaceStatic(request, token, now_ms, effects);
  }
  if (!request.instance_id && request.must_know_its_id) {
    pending_[request.new_member_id] = now_ms + request.session_timeout_ms;
    effects->joins.emplace_back(token, Refusal(ErrorCode::kMemberIdRequired, request.new_member_id));
    return;
  }
  AddMember(request, request.new_member_id, token, now_ms, effects);
}

void ClassicGroup::JoinAgain(const JoinRequest& request, AnswerToken token, int64_t now_ms,
                             ClassicEffects* effects) {
  if (!request.instance_id && pending_.contains(request.member_id)) {
    return AddMember(request, request.member_id, token, now_ms, effects);
  }
  if (const ErrorCode error = CheckMember(request.member_id, request.instance_id);
      error != ErrorCode::kNone) {
    effects->joins.emplace_back(token, Refusal(error, request.member_id));
    return;
  }
  ClassicMember& member = members_.at(request.member_id);
  const bool same = member.protocols == request.protocols;
  const bool forces = state_ == GroupState::kStable && member.id == leader_;
  if (state_ == GroupState::kPreparingRebalance || !same || forces) {
    return UpdateAndRebalance(&member, request, token, now_ms, effects);
  }
  // It missed the answer: the same once more.
  HeardOf(&member, now_ms);
  effects->joins.emplace_back(token, AnswerFor(member));
}

void ClassicGroup::AddMember(const JoinRequest& request, const std::string& member_id, AnswerToken token,
                             int64_t now_ms, ClassicEffects* effects) {
  pending_.erase(member_id);
  if (members_.empty()) {
    protocol_type_ = request.protocol_type;
  }
  ClassicMember& member = members_[member_id];
  member.id = member_id;
  member.instance_id = request.instance_id;
  if (request.instance_id) {
    statics_[*request.instance_id] = member_id;
  }
  join_order_.push_back(member_id);
  joined_meanwhile_ = true;
  UpdateAndRebalance(&member, request, token, now_ms, effects);
}

void ClassicGroup::UpdateMember(ClassicMember* member, const JoinRequest& request, AnswerToken token,
                                int64_t now_ms, ClassicEffects* effects) {
  member->client_id = request.client_id;
  member->client_host = request.client_host;
  member->session_timeout_ms = request.session_timeout_ms;
  member->rebalance_timeout_ms = request.rebalance_timeout_ms;
  member->protocols = request.protocols;
  if (member->waiting_join) {  // A retry on a second connection, or the client gave the first one up.
    effects->joins.emplace_back(*member->waiting_join, Refusal(ErrorCode::kRebalanceInProgress, member->id));
  }
  member->waiting_join = token;
  member->join_can_skip = request.can_skip_assignment;
  member->deadline_ms = now_ms + (member->is_new ? kNewMemberTimeoutMs : member->session_timeout_ms);
}

void ClassicGroup::UpdateAndRebalance(ClassicMember* member, const JoinRequest& request, AnswerToken token,
                                      int64_t now_ms, ClassicEffects* effects) {
  UpdateMember(member, request, token, now_ms, effects);
  Rebalance(now_ms, effects);
}

// The process behind a static member was started anew: it takes the place over, with an id of its own, and
// the old one is fenced. The others notice nothing as long as the protocol stays.
void ClassicGroup::ReplaceStatic(const JoinRequest& request, AnswerToken token, int64_t now_ms,
                                 ClassicEffects* effects) {
  const std::string leader_before = leader_;
  ClassicMember* const member = TakeOver(request, effects);
  UpdateMember(member, request, token, now_ms, effects);
  if (state_ != GroupState::kStable || protocol_ != ChooseProtocol()) {
    return Rebalance(now_ms, effects);
  }
  HeardOf(member, now_ms);
  JoinAnswer answer = AnswerFor(*member);
  const bool leads = member->id == leader_;
  answer.skip_assignment = leads && request.can_skip_assignment;
  if (!answer.skip_assignment) {
    answer.members.clear();
    answer.leader = leader_before;  // An old client that does not know itself to lead computes no assignment.
  }
  effects->joins.emplace_back(*std::exchange(member->waiting_join, std::nullopt), std::move(answer));
  effects->store = true;
}

ClassicMember* ClassicGroup::TakeOver(const JoinRequest& request, ClassicEffects* effects) {
  std::string& current_id = statics_.at(*request.instance_id);
  auto node = members_.extract(current_id);
  ClassicMember& old = node.mapped();
  if (old.waiting_join) {
    effects->joins.emplace_back(*old.waiting_join, Refusal(ErrorCode::kFencedInstanceId, old.id));
    old.waiting_join.reset();
  }
  if (old.waiting_sync) {
    effects->syncs.emplace_back(*old.waiting_sync, SyncAnswer{.error = ErrorCode::kFencedInstanceId});
    old.waiting_sync.reset();
  }
  if (leader_ == current_id) {
    leader_ = request.new_member_id;
  }
  std::replace(join_order_.begin(), join_order_.end(), current_id, request.new_member_id);
  current_id = request.new_member_id;
  node.key() = request.new_member_id;
  old.id = request.new_member_id;
  return &members_.insert(std::move(node)).position->second;
}

JoinAnswer ClassicGroup::AnswerFor(const ClassicMember& member) const {
  JoinAnswer answer;
  answer.generation = generation_;
  answer.protocol_type = protocol_type_;
  answer.protocol = protocol_;
  answer.leader = leader_;
  answer.member_id = member.id;
  if (member.id == leader_) {
    for (const auto& [id, other] : members_) {
      answer.members.push_back({id, other.instance_id, other.MetadataOf(protocol_.value_or(""))});
    }
  }
  return answer;
}

}  // namespace sluice::broker
