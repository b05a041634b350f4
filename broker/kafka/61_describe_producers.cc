// DescribeProducers (61), v0: the idempotent producers that partitions remember (KIP-664).
//
// There are no transactions, so no producer has a coordinator or an open one. A partition that is asked for
// twice is answered once: an answer may be thousands of times as large as a question.
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "broker/kafka/handlers.h"
#include "broker/kafka/partition_lookup.h"
#include "broker/net/disk_pool.h"
#include "proto/kafka/error_code.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::DescribeProducersRequest;
using Response = kafka::DescribeProducersResponse;

constexpr int32_t kNoCoordinator = -1;

Response::PartitionResponse Refuse(const PartitionLookup& found, const TopicLookup& topic) {
  Response::PartitionResponse answer;
  answer.error_code = kafka::ToWire(found.error);
  if (topic.error == ErrorCode::kInvalidTopicException) {
    answer.error_message = "the name is none that a topic can have";
  } else if (topic.topic == nullptr) {
    answer.error_message = "there is no such topic";
  } else if (found.error == ErrorCode::kUnknownTopicOrPartition) {
    answer.error_message = "the topic has no such partition";
  } else {
    answer.error_message = "the partition is offline";
  }
  return answer;
}

Response::PartitionResponse Describe(const TopicLookup& topic, int32_t partition) {
  const PartitionLookup found = FindOnlinePartition(topic, partition);
  if (found.partition == nullptr) {
    return Refuse(found, topic);
  }
  Response::PartitionResponse answer;
  for (const storage::ActiveProducer& producer : found.partition->log().Producers()) {
    auto& state = answer.active_producers.emplace_back();
    state.producer_id = producer.id.value();
    state.producer_epoch = producer.epoch.value();
    state.last_sequence = producer.last_sequence;
    state.last_timestamp = producer.last_seen_ms;
    state.coordinator_epoch = kNoCoordinator;
  }
  return answer;
}

TopicLookup FindTopic(const Catalog& catalog, const std::string& name) {
  TopicLookup topic = FindTopicByName(catalog, name);
  if (const TopicError bad_name = CheckTopicName(name); topic.topic == nullptr && !bad_name.ok()) {
    topic.error = bad_name.code;
  }
  return topic;
}

Response DescribeAll(const Request& request, const Catalog& catalog) {
  absl::flat_hash_set<std::pair<std::string, int32_t>> seen;
  Response response;
  for (const auto& asked : request.topics) {
    const TopicLookup topic = FindTopic(catalog, asked.name);
    auto& answer = response.topics.emplace_back();
    answer.name = asked.name;
    for (const int32_t partition : asked.partition_indexes) {
      if (seen.emplace(asked.name, partition).second) {
        answer.partitions.push_back(Describe(topic, partition));
        answer.partitions.back().partition_index = partition;
      }
    }
  }
  return response;
}

}  // namespace

// Thousands of producers for each of many partitions: not for a network thread.
asio::awaitable<kafka::DescribeProducersResponse> HandleDescribeProducers(const Request& request,
                                                                          Call& call) {
  co_return co_await OnPool(call.services.pool, [&] { return DescribeAll(request, call.services.catalog); });
}

}  // namespace sluice::broker
