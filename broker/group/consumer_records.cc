#include "broker/group/consumer_records.h"

#include <algorithm>
#include <utility>

#include "broker/group/record_codec.h"
#include "proto/base/status_macros.h"
#include "proto/kafka/gen/group_records.h"

namespace sluice::broker {
namespace {

// The version of a record's key is its kind.
constexpr int16_t kGroupEpochKind = 3;
constexpr int16_t kSubscriptionKind = 5;
constexpr int16_t kTargetEpochKind = 6;
constexpr int16_t kTargetAssignmentKind = 7;
constexpr int16_t kAssignmentKind = 8;
constexpr int16_t kRegexKind = 16;
constexpr int16_t kValueVersion = 0;  // Of all of them.

// Many topics' partitions, each topic once.
template <class Topics>
void SetPartitions(const PartitionList& partitions, Topics* topics) {
  for (const TopicIdPartition& partition : partitions) {
    if (topics->empty() || topics->back().topic_id != partition.topic) {
      topics->emplace_back().topic_id = partition.topic;
    }
    topics->back().partitions.push_back(partition.partition.value());
  }
}

using CurrentTopics = std::vector<kafka::ConsumerGroupCurrentMemberAssignmentValue::CurrentTopicPartitions>;

CurrentTopics ToTopics(const OwnedPartitions& owned) {
  CurrentTopics topics;
  for (const auto& [partition, since] : owned) {
    if (topics.empty() || topics.back().topic_id != partition.topic) {
      topics.emplace_back().topic_id = partition.topic;
      topics.back().assignment_epochs.emplace();
    }
    topics.back().partitions.push_back(partition.partition.value());
    topics.back().assignment_epochs->push_back(since);
  }
  return topics;
}

// Kafka up to 4.2 does not say since when: since the epoch that the member is in, then, which is the
// strictest.
OwnedPartitions ToOwned(const CurrentTopics& topics, int32_t epoch) {
  OwnedPartitions owned;
  for (const auto& topic : topics) {
    const bool has_epochs =
        topic.assignment_epochs && topic.assignment_epochs->size() == topic.partitions.size();
    for (size_t i = 0; i < topic.partitions.size(); ++i) {
      owned.emplace(TopicIdPartition{topic.topic_id, PartitionId(topic.partitions[i])},
                    has_epochs ? (*topic.assignment_epochs)[i] : epoch);
    }
  }
  return owned;
}

MemberState ToState(int8_t state) {
  switch (const auto known = static_cast<MemberState>(state)) {
    case MemberState::kStable:
    case MemberState::kUnrevokedPartitions:
    case MemberState::kUnreleasedPartitions:
      return known;
    case MemberState::kUnknown:
      break;
  }
  return MemberState::kUnknown;
}

kafka::ConsumerGroupMetadataValue ToMessage(const GroupEpoch& value) {
  kafka::ConsumerGroupMetadataValue message;
  message.epoch = value.epoch;
  message.metadata_hash = value.metadata_hash;
  message.creation_time_ms = value.created_ms;
  return message;
}

GroupEpoch FromMessage(const kafka::ConsumerGroupMetadataValue& message) {
  return {
      .epoch = message.epoch, .metadata_hash = message.metadata_hash, .created_ms = message.creation_time_ms};
}

// The protocols' bytes are views into `value`.
kafka::ConsumerGroupMemberMetadataValue ToMessage(const MemberSubscription& value) {
  kafka::ConsumerGroupMemberMetadataValue message;
  message.instance_id = value.instance_id;
  message.rack_id = value.rack_id;
  message.client_id = value.client_id;
  message.client_host = value.client_host;
  message.subscribed_topic_names = value.topics;
  message.subscribed_topic_regex = value.regex;
  message.rebalance_timeout_ms = value.rebalance_timeout_ms;
  message.server_assignor = value.assignor;
  if (value.classic) {
    auto& classic = message.classic_member_metadata.emplace();
    classic.session_timeout_ms = value.classic->session_timeout_ms;
    for (const GroupProtocol& protocol : value.classic->protocols) {
      auto& kept = classic.supported_protocols.emplace_back();
      kept.name = protocol.name;
      kept.metadata = AsBytes(protocol.metadata);
    }
  }
  return message;
}

MemberSubscription FromMessage(const kafka::ConsumerGroupMemberMetadataValue& message) {
  MemberSubscription value{.instance_id = message.instance_id,
                           .rack_id = message.rack_id,
                           .client_id = message.client_id,
                           .client_host = message.client_host,
                           .topics = message.subscribed_topic_names,
                           .regex = message.subscribed_topic_regex.value_or(""),
                           .rebalance_timeout_ms = message.rebalance_timeout_ms,
                           .assignor = message.server_assignor};
  std::sort(value.topics.begin(), value.topics.end());
  if (message.classic_member_metadata) {
    value.classic = ClassicSide{.session_timeout_ms = message.classic_member_metadata->session_timeout_ms};
    for (const auto& protocol : message.classic_member_metadata->supported_protocols) {
      value.classic->protocols.push_back({protocol.name, std::string(AsText(protocol.metadata))});
    }
  }
  return value;
}

kafka::ConsumerGroupTargetAssignmentMetadataValue ToMessage(const TargetEpoch& value) {
  kafka::ConsumerGroupTargetAssignmentMetadataValue message;
  message.assignment_epoch = value.epoch;
  message.assignment_timestamp = value.computed_ms;
  return message;
}

TargetEpoch FromMessage(const kafka::ConsumerGroupTargetAssignmentMetadataValue& message) {
  return {.epoch = message.assignment_epoch, .computed_ms = message.assignment_timestamp};
}

kafka::ConsumerGroupTargetAssignmentMemberValue ToMessage(const PartitionList& value) {
  kafka::ConsumerGroupTargetAssignmentMemberValue message;
  SetPartitions(value, &message.topic_partitions);
  return message;
}

PartitionList FromMessage(const kafka::ConsumerGroupTargetAssignmentMemberValue& message) {
  PartitionList value;
  for (const auto& topic : message.topic_partitions) {
    for (const int32_t partition : topic.partitions) {
      value.push_back({topic.topic_id, PartitionId(partition)});
    }
  }
  return Sorted(std::move(value));
}

kafka::ConsumerGroupCurrentMemberAssignmentValue ToMessage(const MemberAssignment& value) {
  kafka::ConsumerGroupCurrentMemberAssignmentValue message;
  message.member_epoch = value.epoch;
  message.previous_member_epoch = value.previous_epoch;
  message.state = static_cast<int8_t>(value.state);
  message.assigned_partitions = ToTopics(value.assigned);
  message.partitions_pending_revocation = ToTopics(value.revoking);
  return message;
}

MemberAssignment FromMessage(const kafka::ConsumerGroupCurrentMemberAssignmentValue& message) {
  return {.epoch = message.member_epoch,
          .previous_epoch = message.previous_member_epoch,
          .state = ToState(message.state),
          .assigned = ToOwned(message.assigned_partitions, message.member_epoch),
          .revoking = ToOwned(message.partitions_pending_revocation, message.member_epoch)};
}

kafka::ConsumerGroupRegularExpressionValue ToMessage(const ResolvedRegex& value) {
  kafka::ConsumerGroupRegularExpressionValue message;
  message.topics.assign(value.topics.begin(), value.topics.end());
  message.metadata_version = value.topics_version;
  message.timestamp = value.resolved_ms;
  return message;
}

ResolvedRegex FromMessage(const kafka::ConsumerGroupRegularExpressionValue& message) {
  return {.topics = {message.topics.begin(), message.topics.end()},
          .topics_version = message.metadata_version,
          .resolved_ms = message.timestamp};
}

template <class Value>
GroupRecord Make(Bytes key, const std::optional<Value>& value) {
  return {std::move(key),
          value ? std::optional(EncodeVersioned(ToMessage(*value), kValueVersion)) : std::nullopt};
}

template <class Key>
Key OfGroup(const std::string& group) {
  Key key;
  key.group_id = group;
  return key;
}

template <class Key>
Key OfMember(const std::string& group, const std::string& member_id) {
  Key key;
  key.group_id = group;
  key.member_id = member_id;
  return key;
}

struct Encoder {
  const std::string& group;

  GroupRecord operator()(const GroupEpochRecord& record) const {
    return Make(EncodeVersioned(OfGroup<kafka::ConsumerGroupMetadataKey>(group), kGroupEpochKind),
                record.value);
  }
  GroupRecord operator()(const MemberSubscriptionRecord& record) const {
    return Make(EncodeVersioned(OfMember<kafka::ConsumerGroupMemberMetadataKey>(group, record.member_id),
                                kSubscriptionKind),
                record.value);
  }
  GroupRecord operator()(const TargetEpochRecord& record) const {
    return Make(
        EncodeVersioned(OfGroup<kafka::ConsumerGroupTargetAssignmentMetadataKey>(group), kTargetEpochKind),
        record.value);
  }
  GroupRecord operator()(const TargetAssignmentRecord& record) const {
    return Make(
        EncodeVersioned(OfMember<kafka::ConsumerGroupTargetAssignmentMemberKey>(group, record.member_id),
                        kTargetAssignmentKind),
        record.value);
  }
  GroupRecord operator()(const MemberAssignmentRecord& record) const {
    return Make(
        EncodeVersioned(OfMember<kafka::ConsumerGroupCurrentMemberAssignmentKey>(group, record.member_id),
                        kAssignmentKind),
        record.value);
  }
  GroupRecord operator()(const RegexRecord& record) const {
    auto key = OfGroup<kafka::ConsumerGroupRegularExpressionKey>(group);
    key.regular_expression = record.regex;
    return Make(EncodeVersioned(key, kRegexKind), record.value);
  }
};

template <class Message, class Value>
absl::Status ReadValue(std::optional<ByteView> bytes, std::optional<Value>* value) {
  if (!bytes) {
    return absl::OkStatus();
  }
  Message message;
  RETURN_IF_ERROR(DecodeVersioned(*bytes, &message));
  *value = FromMessage(message);
  return absl::OkStatus();
}

using OnRecord = absl::FunctionRef<void(const std::string& group, const ConsumerRecord& record)>;

template <class Key, class Message, class Record>
absl::Status ReadOfGroup(int16_t kind, kafka::WireReader& in, std::optional<ByteView> bytes,
                         OnRecord on_record) {
  Key key;
  RETURN_IF_ERROR(DecodeAs(in, kind, &key));
  Record record;
  RETURN_IF_ERROR(ReadValue<Message>(bytes, &record.value));
  on_record(key.group_id, record);
  return absl::OkStatus();
}

template <class Key, class Message, class Record>
absl::Status ReadOfMember(int16_t kind, kafka::WireReader& in, std::optional<ByteView> bytes,
                          OnRecord on_record) {
  Key key;
  RETURN_IF_ERROR(DecodeAs(in, kind, &key));
  Record record{key.member_id, std::nullopt};
  RETURN_IF_ERROR(ReadValue<Message>(bytes, &record.value));
  on_record(key.group_id, record);
  return absl::OkStatus();
}

absl::Status ReadRegex(kafka::WireReader& in, std::optional<ByteView> bytes, OnRecord on_record) {
  kafka::ConsumerGroupRegularExpressionKey key;
  RETURN_IF_ERROR(DecodeAs(in, kRegexKind, &key));
  RegexRecord record{key.regular_expression, std::nullopt};
  RETURN_IF_ERROR(ReadValue<kafka::ConsumerGroupRegularExpressionValue>(bytes, &record.value));
  on_record(key.group_id, record);
  return absl::OkStatus();
}

}  // namespace

GroupRecord ToGroupRecord(const std::string& group, const ConsumerRecord& record) {
  return std::visit(Encoder{group}, record);
}

bool IsConsumerRecordKind(int16_t kind) {
  return kind == kGroupEpochKind || (kind >= kSubscriptionKind && kind <= kAssignmentKind) ||
         kind == kRegexKind;
}

absl::Status ReadConsumerRecord(int16_t kind, kafka::WireReader& in, std::optional<ByteView> value,
                                OnRecord on_record) {
  using namespace kafka;  // NOLINT: the names of the messages.
  switch (kind) {
    case kGroupEpochKind:
      return ReadOfGroup<ConsumerGroupMetadataKey, ConsumerGroupMetadataValue, GroupEpochRecord>(
          kind, in, value, on_record);
    case kSubscriptionKind:
      return ReadOfMember<ConsumerGroupMemberMetadataKey, ConsumerGroupMemberMetadataValue,
                          MemberSubscriptionRecord>(kind, in, value, on_record);
    case kTargetEpochKind:
      return ReadOfGroup<ConsumerGroupTargetAssignmentMetadataKey, ConsumerGroupTargetAssignmentMetadataValue,
                         TargetEpochRecord>(kind, in, value, on_record);
    case kTargetAssignmentKind:
      return ReadOfMember<ConsumerGroupTargetAssignmentMemberKey, ConsumerGroupTargetAssignmentMemberValue,
                          TargetAssignmentRecord>(kind, in, value, on_record);
    case kAssignmentKind:
      return ReadOfMember<ConsumerGroupCurrentMemberAssignmentKey, ConsumerGroupCurrentMemberAssignmentValue,
                          MemberAssignmentRecord>(kind, in, value, on_record);
    default:
      return ReadRegex(in, value, on_record);
  }
}

}  // namespace sluice::broker
