#include "broker/group/group_records.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/group/consumer_records.h"
#include "broker/group/record_codec.h"
#include "proto/base/status_macros.h"

namespace sluice::broker {
namespace {

constexpr int16_t kLegacyOffsetKind = 0;
constexpr int16_t kOffsetKind = 1;
constexpr int16_t kGroupKind = 2;
// The newest versions that no reader of today lacks: Kafka writes them as well. An offset with an expiry of
// its own fits only into version 1, which has no leader epoch.
constexpr int16_t kOffsetValueVersion = 3;
constexpr int16_t kOffsetValueWithExpiryVersion = 1;
constexpr int16_t kGroupValueVersion = 3;

Bytes OffsetKey(const std::string& group, const TopicPartition& at) {
  kafka::OffsetCommitKey key;
  key.group = group;
  key.topic = at.topic;
  key.partition = at.partition.value();
  return EncodeVersioned(key, kOffsetKind);
}

Bytes GroupKey(const std::string& group) {
  kafka::GroupMetadataKey key;
  key.group = group;
  return EncodeVersioned(key, kGroupKind);
}

absl::Status VisitOffset(kafka::WireReader& in, int16_t kind, std::optional<ByteView> value,
                         GroupRecordVisitor* visitor) {
  kafka::OffsetCommitKey key;
  RETURN_IF_ERROR(DecodeAs(in, kind, &key));
  const TopicPartition at{key.topic, PartitionId(key.partition)};
  if (!value) {
    visitor->OnOffset(key.group, at, nullptr);
    return absl::OkStatus();
  }
  kafka::OffsetCommitValue kept;
  RETURN_IF_ERROR(DecodeVersioned(*value, &kept));
  const CommittedOffset offset{.offset = Offset(kept.offset),
                               .leader_epoch = LeaderEpoch(kept.leader_epoch),
                               .metadata = kept.metadata,
                               .commit_ms = kept.commit_timestamp,
                               .expire_ms = kept.expire_timestamp};
  visitor->OnOffset(key.group, at, &offset);
  return absl::OkStatus();
}

absl::Status VisitGroup(kafka::WireReader& in, std::optional<ByteView> value, GroupRecordVisitor* visitor) {
  kafka::GroupMetadataKey key;
  RETURN_IF_ERROR(DecodeAs(in, kGroupKind, &key));
  if (!value) {
    visitor->OnGroup(key.group, nullptr);
    return absl::OkStatus();
  }
  kafka::GroupMetadataValue kept;
  RETURN_IF_ERROR(DecodeVersioned(*value, &kept));
  visitor->OnGroup(key.group, &kept);
  return absl::OkStatus();
}

}  // namespace

GroupRecord OffsetRecord(const std::string& group, const TopicPartition& at, const CommittedOffset& offset) {
  kafka::OffsetCommitValue value;
  value.offset = offset.offset.value();
  value.leader_epoch = offset.leader_epoch.value();
  value.metadata = offset.metadata;
  value.commit_timestamp = offset.commit_ms;
  value.expire_timestamp = offset.expire_ms;
  return {OffsetKey(group, at),
          EncodeVersioned(value, offset.expire_ms < 0 ? kOffsetValueVersion : kOffsetValueWithExpiryVersion)};
}

GroupRecord OffsetTombstone(const std::string& group, const TopicPartition& at) {
  return {OffsetKey(group, at), std::nullopt};
}

GroupRecord GroupMetadataRecord(const std::string& group, const kafka::GroupMetadataValue& value) {
  return {GroupKey(group), EncodeVersioned(value, kGroupValueVersion)};
}

GroupRecord GroupTombstone(const std::string& group) {
  return {GroupKey(group), std::nullopt};
}

absl::Status VisitGroupRecord(std::optional<ByteView> key, std::optional<ByteView> value,
                              GroupRecordVisitor* visitor) {
  if (!key) {
    return absl::DataLossError("a record of __consumer_offsets has no key");
  }
  kafka::WireReader in(*key);
  const int16_t kind = in.ReadInt16();
  if (!in.ok()) {
    return absl::DataLossError(absl::StrCat("the key of a record of __consumer_offsets: ", in.error()));
  }
  switch (kind) {
    case kLegacyOffsetKind:
    case kOffsetKind:
      return VisitOffset(in, kind, value, visitor);
    case kGroupKind:
      return VisitGroup(in, value, visitor);
    default:
      break;
  }
  if (!IsConsumerRecordKind(kind)) {
    return absl::OkStatus();
  }
  return ReadConsumerRecord(kind, in, value, [&](const std::string& group, const ConsumerRecord& record) {
    visitor->OnConsumerRecord(group, record);
  });
}

}  // namespace sluice::broker
