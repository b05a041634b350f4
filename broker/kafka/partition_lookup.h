// From what a request names to the partition it means, with Kafka's error codes for what is not there.
#pragma once

#include <string>

#include "broker/topic/catalog.h"
#include "proto/base/uuid.h"
#include "proto/kafka/error_code.h"

namespace sluice::broker {

// Newer versions name topics by id, older ones by name.
struct TopicLookup {
  TopicPtr topic;  // Null when `error` says why.
  kafka::ErrorCode error = kafka::ErrorCode::kNone;
};
TopicLookup FindTopicByName(const Catalog& catalog, absl::string_view name);
TopicLookup FindTopicById(const Catalog& catalog, const Uuid& id);

struct PartitionLookup {
  Partition* partition = nullptr;  // Lives as long as the TopicPtr. Null when `error` says why.
  kafka::ErrorCode error = kafka::ErrorCode::kNone;
};
PartitionLookup FindPartition(const TopicLookup& topic, int32_t partition);
// The same, with KAFKA_STORAGE_ERROR for one that is offline.
PartitionLookup FindOnlinePartition(const TopicLookup& topic, int32_t partition);

// KIP-320: a client that believes in another leadership than ours is told so. -1: it does not say.
kafka::ErrorCode CheckLeaderEpoch(int32_t claimed, const Partition& partition);

}  // namespace sluice::broker
