// A group as it is kept, and the one thing that is read in its members' bytes: their topics.
#include "broker/group/core/classic_group.h"
#include "broker/group/core/consumer_subscription.h"
#include "proto/base/bytes.h"

namespace sluice::broker {

kafka::GroupMetadataValue ClassicGroup::ToRecord() const {
  kafka::GroupMetadataValue record;
  record.protocol_type = protocol_type_;
  record.generation = generation_;
  record.protocol = protocol_;
  if (!leader_.empty()) {
    record.leader = leader_;
  }
  record.current_state_timestamp = state_changed_ms_;
  for (const auto& [id, member] : members_) {
    auto& kept = record.members.emplace_back();
    kept.member_id = id;
    kept.group_instance_id = member.instance_id;
    kept.client_id = member.client_id;
    kept.client_host = member.client_host;
    kept.rebalance_timeout = member.rebalance_timeout_ms;
    kept.session_timeout = member.session_timeout_ms;
    const GroupProtocol* spoken = member.Find(protocol_.value_or(""));
    kept.subscription = spoken == nullptr ? ByteView() : AsBytes(spoken->metadata);
    kept.assignment = AsBytes(member.assignment);
  }
  return record;
}

void ClassicGroup::Load(const kafka::GroupMetadataValue& record, int64_t now_ms) {
  *this = ClassicGroup(id_, limits_);
  protocol_type_ = record.protocol_type;
  generation_ = record.generation;
  protocol_ = record.protocol;
  leader_ = record.leader.value_or("");
  state_changed_ms_ = record.current_state_timestamp;
  state_ = record.members.empty() ? GroupState::kEmpty : GroupState::kStable;
  for (const auto& kept : record.members) {
    ClassicMember& member = members_[kept.member_id];
    member.id = kept.member_id;
    member.instance_id = kept.group_instance_id;
    member.client_id = kept.client_id;
    member.client_host = kept.client_host;
    member.rebalance_timeout_ms = kept.rebalance_timeout;
    member.session_timeout_ms = kept.session_timeout;
    member.protocols = {{protocol_.value_or(""), std::string(AsText(kept.subscription))}};
    member.assignment = std::string(AsText(kept.assignment));
    member.is_new = false;
    HeardOf(&member, now_ms);
    join_order_.push_back(member.id);
    if (member.instance_id) {
      statics_[*member.instance_id] = member.id;
    }
  }
}

void ClassicGroup::TakeOver(int32_t generation, std::vector<ClassicMember> members, int64_t now_ms) {
  *this = ClassicGroup(id_, limits_);
  protocol_type_ = "consumer";
  generation_ = generation;
  state_ = GroupState::kStable;
  for (ClassicMember& taken : members) {
    HeardOf(&taken, now_ms);
    join_order_.push_back(taken.id);
    if (taken.instance_id) {
      statics_[*taken.instance_id] = taken.id;
    }
    members_.emplace(taken.id, std::move(taken));
  }
  protocol_ = ChooseProtocol();
  leader_ = join_order_.front();
}

std::optional<std::set<std::string>> ClassicGroup::SubscribedTopics() const {
  std::set<std::string> topics;
  if (!IsConsumerGroup() || !protocol_) {
    return state_ == GroupState::kEmpty ? std::optional(topics) : std::nullopt;
  }
  for (const auto& [id, member] : members_) {
    const auto subscription = ParseSubscription(member.MetadataOf(*protocol_));
    if (!subscription) {
      return std::nullopt;
    }
    topics.insert(subscription->topics.begin(), subscription->topics.end());
  }
  return topics;
}

}  // namespace sluice::broker
