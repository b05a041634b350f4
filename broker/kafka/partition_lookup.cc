#include "broker/kafka/partition_lookup.h"

namespace sluice::broker {

using kafka::ErrorCode;

TopicLookup FindTopicByName(const Catalog& catalog, absl::string_view name) {
  TopicPtr topic = catalog.Find(name);
  const ErrorCode error = topic == nullptr ? ErrorCode::kUnknownTopicOrPartition : ErrorCode::kNone;
  return {.topic = std::move(topic), .error = error};
}

TopicLookup FindTopicById(const Catalog& catalog, const Uuid& id) {
  TopicPtr topic = catalog.FindById(id);
  const ErrorCode error = topic == nullptr ? ErrorCode::kUnknownTopicId : ErrorCode::kNone;
  return {.topic = std::move(topic), .error = error};
}

PartitionLookup FindPartition(const TopicLookup& topic, int32_t partition) {
  if (topic.topic == nullptr) {
    return {.error = topic.error};
  }
  Partition* found = topic.topic->Find(PartitionId(partition));
  return {.partition = found,
          .error = found == nullptr ? ErrorCode::kUnknownTopicOrPartition : ErrorCode::kNone};
}

PartitionLookup FindOnlinePartition(const TopicLookup& topic, int32_t partition) {
  const PartitionLookup found = FindPartition(topic, partition);
  if (found.partition != nullptr && found.partition->offline()) {
    return {.error = ErrorCode::kKafkaStorageError};
  }
  return found;
}

ErrorCode CheckLeaderEpoch(int32_t claimed, const Partition& partition) {
  const int32_t ours = partition.leader_epoch().value();
  if (claimed < 0 || claimed == ours) {
    return ErrorCode::kNone;
  }
  return claimed < ours ? ErrorCode::kFencedLeaderEpoch : ErrorCode::kUnknownLeaderEpoch;
}

}  // namespace sluice::broker
