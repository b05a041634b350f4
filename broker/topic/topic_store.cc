#include "broker/topic/topic_store.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "broker/topic/stored_proto.h"
#include "sluice/internal/metadata.pb.h"

namespace sluice::broker {
namespace {

constexpr absl::string_view kTopics = "/topics/";
constexpr absl::string_view kUnfinished = "/unfinished-topics/";
constexpr absl::string_view kDeleted = "/deleted-topics/";

std::string TopicKey(absl::string_view name) {
  return absl::StrCat(kTopics, name);
}
std::string ConfigsKey(NodeId node) {
  return absl::StrCat("/configs/brokers/", node.value());
}
constexpr absl::string_view kConfigsOfAll = "/configs/brokers/all";

std::string UnfinishedKey(absl::string_view name) {
  return absl::StrCat(kUnfinished, name);
}
std::string DeletedKey(const Uuid& id) {
  return absl::StrCat(kDeleted, id.ToString());
}

internal::TopicRecord ToRecord(const StoredTopic& topic) {
  internal::TopicRecord record;
  record.set_topic_id(UuidBytes(topic.id));
  record.set_partition_count(topic.partitions);
  record.mutable_configs()->insert(topic.configs.begin(), topic.configs.end());
  record.set_created_ms(topic.created_ms);
  record.set_name(topic.name);
  return record;
}

std::string Encode(const StoredTopic& topic) {
  return ToRecord(topic).SerializeAsString();
}

std::string EncodeUnfinished(const StoredTopic& topic, int32_t partitions_before) {
  internal::TopicRecord record;
  record.set_topic_id(UuidBytes(topic.id));
  record.set_partition_count(partitions_before);
  return record.SerializeAsString();
}

absl::StatusOr<StoredTopic> Decode(const storage::MetadataValue& stored) {
  ASSIGN_OR_RETURN(const auto record, DecodeStored<internal::TopicRecord>(stored));
  StoredTopic topic = {.name = record.name(),
                       .partitions = record.partition_count(),
                       .configs = {record.configs().begin(), record.configs().end()},
                       .created_ms = record.created_ms()};
  absl::string_view key = stored.key;
  if (absl::ConsumePrefix(&key, kTopics)) {
    topic.name = std::string(key);
  }
  if (!ReadUuidBytes(record.topic_id(), &topic.id) || topic.partitions < 1) {
    return DamagedMetadata(stored.key);
  }
  return topic;
}

absl::StatusOr<std::vector<StoredTopic>> ReadTopics(storage::MetadataStore& store, absl::string_view prefix) {
  ASSIGN_OR_RETURN(const std::vector<storage::MetadataValue> values, store.Range(prefix));
  std::vector<StoredTopic> topics;
  for (const storage::MetadataValue& value : values) {
    ASSIGN_OR_RETURN(StoredTopic topic, Decode(value));
    topics.push_back(std::move(topic));
  }
  return topics;
}

}  // namespace

absl::StatusOr<TopicStore::Everything> TopicStore::Read() {
  Everything everything;
  ASSIGN_OR_RETURN(everything.topics, ReadTopics(store_, kTopics));
  ASSIGN_OR_RETURN(everything.deleted, ReadTopics(store_, kDeleted));
  ASSIGN_OR_RETURN(const std::vector<storage::MetadataValue> unfinished, store_.Range(kUnfinished));
  for (const storage::MetadataValue& value : unfinished) {
    ASSIGN_OR_RETURN(const auto record, DecodeStored<internal::TopicRecord>(value));
    everything.unfinished[value.key.substr(kUnfinished.size())] = record.partition_count();
  }
  return everything;
}

absl::Status TopicStore::Create(const StoredTopic& topic) {
  return store_
      .Commit({.conditions = {{TopicKey(topic.name), 0}},
               .writes = {{TopicKey(topic.name), Encode(topic)},
                          {UnfinishedKey(topic.name), EncodeUnfinished(topic, 0)}}})
      .status();
}

absl::Status TopicStore::Grow(const StoredTopic& topic, int32_t partitions_before) {
  return store_
      .Commit({.writes = {{TopicKey(topic.name), Encode(topic)},
                          {UnfinishedKey(topic.name), EncodeUnfinished(topic, partitions_before)}}})
      .status();
}

absl::Status TopicStore::Finish(const std::string& name) {
  return store_.Commit({.writes = {{UnfinishedKey(name), std::nullopt}}}).status();
}

absl::Status TopicStore::Replace(const StoredTopic& topic) {
  return store_.Commit({.writes = {{TopicKey(topic.name), Encode(topic)}}}).status();
}

absl::StatusOr<DynamicConfigs> TopicStore::ReadDynamic(NodeId node) {
  using Record = internal::BrokerConfigsRecord;
  ASSIGN_OR_RETURN(const Stored<Record> own, ReadStored<Record>(store_, ConfigsKey(node)));
  ASSIGN_OR_RETURN(const Stored<Record> all, ReadStored<Record>(store_, kConfigsOfAll));
  return DynamicConfigs{.own = {own.message.configs().begin(), own.message.configs().end()},
                        .all = {all.message.configs().begin(), all.message.configs().end()}};
}

absl::Status TopicStore::ReplaceDynamic(NodeId node, const DynamicConfigs& configs) {
  const auto encode = [](const DynamicConfigs::Values& values) {
    internal::BrokerConfigsRecord record;
    record.mutable_configs()->insert(values.begin(), values.end());
    return record.SerializeAsString();
  };
  return store_
      .Commit({.writes = {{ConfigsKey(node), encode(configs.own)},
                          {std::string(kConfigsOfAll), encode(configs.all)}}})
      .status();
}

absl::Status TopicStore::MarkDeleted(const StoredTopic& topic) {
  return store_
      .Commit({.writes = {{TopicKey(topic.name), std::nullopt},
                          {UnfinishedKey(topic.name), std::nullopt},
                          {DeletedKey(topic.id), Encode(topic)}}})
      .status();
}

absl::Status TopicStore::ForgetDeleted(const Uuid& id) {
  return store_.Commit({.writes = {{DeletedKey(id), std::nullopt}}}).status();
}

}  // namespace sluice::broker
