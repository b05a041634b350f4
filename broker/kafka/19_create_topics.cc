// CreateTopics (19).
//
//   v2 validate only; the first that is served      v4 -1 for partitions and replicas means the default
//   v5 flexible; the new topic's size and configs   v6 quota errors      v7 its id
#include <map>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "broker/kafka/assignment.h"
#include "broker/kafka/config_listing.h"
#include "broker/kafka/each_once.h"
#include "broker/kafka/handlers.h"
#include "broker/net/disk_pool.h"
#include "broker/topic/topic_rules.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::CreateTopicsRequest;
using Response = kafka::CreateTopicsResponse;

TopicError Refusal(ErrorCode code, std::string message) {
  return {.code = code, .message = std::move(message)};
}

// Assignments replace the two numbers, name every partition from 0 on once, and put each on this broker.
TopicError CheckAssignments(const Request::CreatableTopic& asked, NodeId node) {
  if (asked.num_partitions != -1 || asked.replication_factor != -1) {
    return Refusal(
        ErrorCode::kInvalidRequest,
        "partitions are assigned by hand: the partition count and the replication factor must be -1");
  }
  absl::flat_hash_set<int32_t> seen;
  for (const auto& assignment : asked.assignments) {
    const int32_t index = assignment.partition_index;
    if (index < 0 || index >= std::ssize(asked.assignments) || !seen.insert(index).second) {
      return Refusal(
          ErrorCode::kInvalidReplicaAssignment,
          absl::StrCat("partition ", index, " is assigned twice or leaves a gap: they count from 0"));
    }
    if (TopicError error = CheckAssignedBrokers(assignment.broker_ids, node); !error.ok()) {
      return error;
    }
  }
  return {};
}

TopicError CollectConfigs(const Request::CreatableTopic& asked, std::map<std::string, std::string>* configs) {
  for (const auto& config : asked.configs) {
    if (!config.value.has_value()) {
      return Refusal(ErrorCode::kInvalidConfig, absl::StrCat(config.name, " is given no value"));
    }
    (*configs)[config.name] = *config.value;
  }
  return {};
}

TopicError ToSpec(const Request::CreatableTopic& asked, NodeId node, TopicSpec* spec) {
  spec->name = asked.name;
  spec->partitions = asked.num_partitions;
  spec->replication_factor = asked.replication_factor;
  if (!asked.assignments.empty()) {
    if (TopicError error = CheckAssignments(asked, node); !error.ok()) {
      return error;
    }
    spec->partitions = static_cast<int32_t>(asked.assignments.size());
  }
  return CollectConfigs(asked, &spec->configs);
}

std::vector<Response::CreatableTopicConfigs> ListConfigs(const TopicConfig& topic,
                                                         const BrokerConfigs& broker) {
  std::vector<Response::CreatableTopicConfigs> configs;
  for (const ListedConfig& listed : ListTopicConfigs(topic, broker)) {
    auto& config = configs.emplace_back();
    config.name = std::string(listed.def->name);
    config.value = listed.value;
    config.read_only = listed.read_only;
    config.config_source = listed.source;
    config.is_sensitive = listed.sensitive;
  }
  return configs;
}

// Blocks.
TopicError Create(const Request::CreatableTopic& asked, bool validate_only, const Services& services,
                  Response::CreatableTopicResult* result) {
  if (TopicError error = CheckClientMayCreate(asked.name); !error.ok()) {
    return error;
  }
  TopicSpec spec;
  if (TopicError error = ToSpec(asked, services.node_id, &spec); !error.ok()) {
    return error;
  }
  TopicPtr created;
  if (TopicError error = services.catalog.Create(spec, validate_only, &created); !error.ok()) {
    return error;
  }
  result->topic_id = created->id;
  result->num_partitions =
      spec.partitions > 0 ? spec.partitions : static_cast<int32_t>(services.config.Int("num.partitions"));
  result->replication_factor = 1;
  result->configs = ListConfigs(created->config, {services.config, *services.catalog.live_config()});
  return {};
}

// Blocks.
Response CreateAll(const Request& request, const Services& services) {
  Response response;
  const auto answer = [&](const Request::CreatableTopic& asked) -> Response::CreatableTopicResult& {
    auto& result = response.topics.emplace_back();
    result.name = asked.name;
    result.configs.emplace();
    return result;
  };
  ForEachName(request.topics, answer, [&](const auto& asked, Response::CreatableTopicResult* result) {
    return Create(asked, request.validate_only, services, result);
  });
  return response;
}

}  // namespace

asio::awaitable<kafka::CreateTopicsResponse> HandleCreateTopics(const Request& request, Call& call) {
  co_return co_await OnPool(call.services.pool, [&] { return CreateAll(request, call.services); });
}

}  // namespace sluice::broker
