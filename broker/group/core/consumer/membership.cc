// Who is a member, who becomes one, who takes another's place, who goes.
#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/group/core/consumer/assignor.h"
#include "broker/group/core/consumer/consumer_group.h"
#include "broker/group/core/consumer/topic_regex.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;

constexpr int16_t kOwnIdsFrom = 1;  // From then on members make up their own ids.

bool IsBlank(const std::string& text) {
  return absl::StripAsciiWhitespace(text).empty();
}

bool IsBlank(const std::optional<std::string>& text) {
  return text && IsBlank(*text);
}

// Of a request to join.
absl::string_view JoinMistake(const ConsumerHeartbeat& request) {
  if (request.rebalance_timeout_ms == -1) {
    return "a member that joins says its rebalance timeout";
  }
  if (!request.owned || !request.owned->empty()) {
    return "a member that joins says that it owns no partitions";
  }
  return request.topics || request.regex ? "" : "a member that joins says what it subscribes to";
}

absl::string_view Mistake(const ConsumerHeartbeat& request, int16_t version) {
  if ((version >= kOwnIdsFrom || request.epoch > 0 || request.epoch == kLeaveEpoch) &&
      IsBlank(request.member_id)) {
    return "the member id is empty";
  }
  if (IsBlank(request.instance_id)) {
    return "the instance id is empty";
  }
  if (IsBlank(request.rack_id)) {
    return "the rack id is empty";
  }
  if (request.epoch == kJoinEpoch) {
    return JoinMistake(request);
  }
  if (request.epoch == kStaticLeaveEpoch && !request.instance_id) {
    return "only a member with an instance id leaves for a while (epoch -2)";
  }
  return request.epoch < kStaticLeaveEpoch ? "no member epoch is below -2" : "";
}

// Only ever names partitions that it was given?
bool IsWithin(const std::optional<PartitionList>& owned, const OwnedPartitions& assigned) {
  return owned && std::all_of(owned->begin(), owned->end(), [&assigned](const TopicIdPartition& partition) {
           return assigned.contains(partition);
         });
}

}  // namespace

ConsumerHeartbeatAnswer ConsumerGroup::CheckRequest(const ConsumerHeartbeat& request, int16_t version,
                                                    const ConsumerLimits& limits) {
  if (const absl::string_view mistake = Mistake(request, version); !mistake.empty()) {
    return {.error = ErrorCode::kInvalidRequest, .message = std::string(mistake)};
  }
  const auto& known = limits.assignors;
  if (request.assignor && std::find(known.begin(), known.end(), *request.assignor) == known.end()) {
    return {.error = ErrorCode::kUnsupportedAssignor,
            .message = absl::StrCat("there is no assignor \"", *request.assignor,
                                    "\"; there are: ", absl::StrJoin(known, ", "))};
  }
  return {};
}

ConsumerHeartbeatAnswer ConsumerGroup::ToAnswer(Refusal refusal) {
  return {.error = refusal.error, .message = std::move(refusal.message)};
}

ConsumerGroup::Refusal ConsumerGroup::CheckRoom(const std::string& member_id) const {
  if (members_.size() < static_cast<size_t>(limits_.size_max) || members_.contains(member_id)) {
    return {};
  }
  return {ErrorCode::kGroupMaxSizeReached, absl::StrCat("the group has ", limits_.size_max,
                                                        " members, the most "
                                                        "that it may have")};
}

const std::string* ConsumerGroup::OwnerOf(const std::optional<std::string>& instance_id) const {
  const auto found = instance_id ? statics_.find(*instance_id) : statics_.end();
  return found == statics_.end() ? nullptr : &found->second;
}

ConsumerGroup::Refusal ConsumerGroup::CheckStatic(const std::string& instance_id,
                                                  const std::string& member_id) const {
  const std::string* owner = OwnerOf(instance_id);
  if (owner == nullptr) {
    return {ErrorCode::kUnknownMemberId, absl::StrCat("nobody has the instance id \"", instance_id, "\"")};
  }
  if (*owner != member_id) {
    return {ErrorCode::kFencedInstanceId,
            absl::StrCat("member \"", *owner, "\" has taken over the instance id \"", instance_id, "\"")};
  }
  return {};
}

ConsumerGroup::Refusal ConsumerGroup::CheckMember(const ConsumerHeartbeat& request) const {
  const std::string* owner = OwnerOf(request.instance_id);
  if (request.epoch == kJoinEpoch) {
    if (owner == nullptr || *owner == request.member_id) {
      return {};  // The process itself, after it was fenced or missed an answer. (Kafka turns it away, too.)
    }
    const ConsumerMember& holder = members_.at(*owner);
    if (!holder.is_classic() && holder.current.epoch != kStaticLeaveEpoch) {
      return {ErrorCode::kUnreleasedInstanceId, absl::StrCat("member \"", *owner, "\" has the instance id \"",
                                                             *request.instance_id, "\" and has not left")};
    }
    return {};
  }
  if (request.instance_id) {
    if (Refusal refusal = CheckStatic(*request.instance_id, request.member_id); !refusal.ok()) {
      return refusal;
    }
  }
  const auto found = members_.find(request.member_id);
  if (found == members_.end()) {
    return {ErrorCode::kUnknownMemberId, absl::StrCat("the group has no member \"", request.member_id, "\"")};
  }
  return request.epoch < 0 ? Refusal{} : CheckEpoch(found->second, request);
}

// A member that comes with the epoch before its last one may not have got the answer that took it further.
ConsumerGroup::Refusal ConsumerGroup::CheckEpoch(const ConsumerMember& member,
                                                 const ConsumerHeartbeat& request) const {
  const int32_t epoch = member.current.epoch;
  const bool missed_an_answer =
      request.epoch == member.current.previous_epoch && IsWithin(request.owned, member.current.assigned);
  if (request.epoch > epoch || (request.epoch < epoch && !missed_an_answer)) {
    return {ErrorCode::kFencedMemberEpoch,
            absl::StrCat("the member's epoch is ", epoch, ", not ", request.epoch,
                         "; it has to give up its partitions and to join again")};
  }
  if (member.current.state == MemberState::kUnknown && (!request.owned || !request.owned->empty())) {
    return {
        ErrorCode::kFencedMemberEpoch,
        "a later version left the member in a state that is not known; it has to give up its partitions and "
        "to join again"};
  }
  return {};
}

ConsumerGroup::Refusal ConsumerGroup::CheckRegex(const ConsumerHeartbeat& request) const {
  if (!request.regex || request.regex->empty() || regexes_.contains(*request.regex)) {
    return {};
  }
  const auto mistake = RegexMistake(*request.regex);
  if (!mistake) {
    return {};
  }
  return {ErrorCode::kInvalidRegularExpression,
          absl::StrCat("\"", *request.regex, "\" is no regular expression: ", *mistake)};
}

// The new process gets what the old one had, and steps towards the same target.
void ConsumerGroup::ReplaceStatic(const std::string& old_id, const std::string& new_id,
                                  ConsumerEffects* effects) {
  const ConsumerMember old = members_.at(old_id);
  Remove(old_id, effects);
  MemberAssignment current = old.current;
  current.epoch = 0;
  current.previous_epoch = 0;
  Emit(MemberSubscriptionRecord{new_id, old.subscription}, effects);
  Emit(TargetAssignmentRecord{new_id, old.target}, effects);
  Emit(MemberAssignmentRecord{new_id, std::move(current)}, effects);
}

void ConsumerGroup::Remove(const std::string& member_id, ConsumerEffects* effects) {
  Emit(MemberAssignmentRecord{member_id, std::nullopt}, effects);
  Emit(TargetAssignmentRecord{member_id, std::nullopt}, effects);
  Emit(MemberSubscriptionRecord{member_id, std::nullopt}, effects);
}

// The next heartbeat of anyone computes the target without them.
void ConsumerGroup::Fence(const std::set<std::string>& member_ids, const TopicView& topics,
                          const GroupTime& now, ConsumerEffects* effects) {
  if (member_ids.empty()) {
    return;
  }
  if (CanDowngradeWithout(member_ids)) {
    effects->downgrade = Downgrade{.without = member_ids};
    return;
  }
  for (const std::string& id : member_ids) {
    Remove(id, effects);
  }
  ForgetRegexes(effects);
  LearnTopics(topics);
  BumpEpoch(now, effects);
}

bool ConsumerGroup::CanDowngradeWithout(const std::set<std::string>& member_ids) const {
  size_t left = 0;
  for (const auto& [id, member] : members_) {
    if (member_ids.contains(id)) {
      continue;
    }
    if (!member.is_classic()) {
      return false;
    }
    ++left;
  }
  return left > 0 && limits_.may_downgrade && left <= static_cast<size_t>(limits_.classic_size_max);
}

}  // namespace sluice::broker
