// Metadata (3): brokers, and where the partitions of topics are.
//
//   v0 an empty list asks for all topics      v1 null asks for all, empty for none; rack, controller,
//   internal v2 cluster id       v3 throttle time      v4 the client says whether an unknown topic may be
//   created v5 offline replicas v7 leader epochs      v8 authorized operations      v9 flexible v10 topic ids
//   in the answer, v12 also in the request (v10-11 have the field and must leave it empty) v11 cluster
//   operations are gone           v13 an error code for the whole
//
// The address of the broker is the one that the client connected to unless advertised.listeners says another:
// right for every client without configuring anything.
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "broker/kafka/handlers.h"
#include "broker/kafka/partition_entry.h"
#include "broker/kafka/partition_lookup.h"
#include "broker/kafka/self.h"
#include "broker/net/disk_pool.h"
#include "broker/topic/topic_rules.h"
#include "proto/kafka/error_code.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::MetadataRequest;
using Answer = kafka::MetadataResponse::MetadataResponseTopic;

constexpr int16_t kTopicIdsFrom = 12;

// KAFKA-10774: the ids of versions 10 and 11 never worked; both fields are taken seriously from 12 on.
bool IsValid(const Request& request, int16_t version) {
  if (version >= kTopicIdsFrom || !request.topics.has_value()) {
    return true;
  }
  for (const auto& topic : *request.topics) {
    if (!topic.name.has_value() || !topic.topic_id.IsZero()) {
      return false;
    }
  }
  return true;
}

bool AsksForAll(const Request& request, int16_t version) {
  return !request.topics.has_value() || (version == 0 && request.topics->empty());
}

Answer Refuse(const Request::MetadataRequestTopic& asked, ErrorCode code, int16_t version) {
  Answer answer;
  answer.error_code = kafka::ToWire(code);
  answer.name = asked.name;
  answer.topic_id = asked.topic_id;
  if (!answer.name.has_value() && version < kTopicIdsFrom) {
    answer.name = "";  // These versions cannot say null.
  }
  return answer;
}

Answer Describe(const Topic& topic, NodeId node) {
  Answer answer;
  answer.name = topic.name;
  answer.topic_id = topic.id;
  answer.is_internal = IsInternalTopic(topic.name);
  answer.partitions.reserve(topic.partitions.size());
  for (const auto& partition : topic.partitions) {
    DescribePartition(*partition, node, &answer.partitions.emplace_back());
  }
  return answer;
}

// Blocks.
TopicLookup Create(const std::string& name, Catalog& catalog) {
  TopicPtr topic;
  const TopicError error = catalog.Create({.name = name, .configs = {}}, /*validate_only=*/false, &topic);
  if (error.code == ErrorCode::kTopicAlreadyExists) {
    return FindTopicByName(catalog, name);  // Another client was faster.
  }
  return {.topic = std::move(topic), .error = error.code};
}

// By name, or by id where there is one. Does not create.
TopicLookup Find(const Request::MetadataRequestTopic& asked, const Catalog& catalog) {
  if (!asked.topic_id.IsZero()) {
    return FindTopicById(catalog, asked.topic_id);
  }
  if (!asked.name.has_value()) {
    return {.topic = nullptr, .error = ErrorCode::kInvalidRequest};
  }
  TopicLookup found = FindTopicByName(catalog, *asked.name);
  if (found.topic == nullptr) {
    if (const TopicError bad_name = CheckTopicName(*asked.name); !bad_name.ok()) {
      found.error = bad_name.code;
    }
  }
  return found;
}

bool MayCreate(const Request& request, absl::string_view name, const BrokerConfig& config) {
  return request.allow_auto_topic_creation && config.Bool("auto.create.topics.enable") &&
         CheckClientMayCreate(name).ok();
}

kafka::MetadataResponse DescribeCluster(const Request& request, const Call& call) {
  kafka::MetadataResponse response;
  const Self self = DescribeSelf(call);
  auto& broker = response.brokers.emplace_back();
  broker.node_id = self.node_id;
  broker.host = self.host;
  broker.port = self.port;
  broker.rack = self.rack;
  response.cluster_id = call.services.cluster_id;
  response.controller_id = self.node_id;
  if (request.include_cluster_authorized_operations) {
    response.cluster_authorized_operations = kAllClusterOperations;
  }
  return response;
}

asio::awaitable<void> AnswerNamed(const Request& request, Call& call, std::vector<Answer>* answers) {
  const Services& services = call.services;
  absl::flat_hash_set<std::pair<Uuid, std::string>> seen;  // Asked twice, answered once, as in Kafka.
  for (const auto& asked : *request.topics) {
    if (!seen.emplace(asked.topic_id, asked.name.value_or("")).second) {
      continue;
    }
    TopicLookup found = Find(asked, services.catalog);
    if (found.error == ErrorCode::kUnknownTopicOrPartition &&
        MayCreate(request, *asked.name, services.config)) {
      found = co_await OnPool(services.pool, [&] { return Create(*asked.name, services.catalog); });
    }
    answers->push_back(found.topic != nullptr ? Describe(*found.topic, services.node_id)
                                              : Refuse(asked, found.error, call.version()));
  }
}

}  // namespace

asio::awaitable<kafka::MetadataResponse> HandleMetadata(const Request& request, Call& call) {
  kafka::MetadataResponse response = DescribeCluster(request, call);
  if (!IsValid(request, call.version())) {
    for (const auto& asked : *request.topics) {
      response.topics.push_back(Refuse(asked, ErrorCode::kInvalidRequest, call.version()));
    }
  } else if (AsksForAll(request, call.version())) {
    for (const TopicPtr& topic : call.services.catalog.All()) {
      response.topics.push_back(Describe(*topic, call.services.node_id));
    }
  } else {
    co_await AnswerNamed(request, call, &response.topics);
  }
  if (request.include_topic_authorized_operations) {
    for (Answer& topic : response.topics) {
      topic.topic_authorized_operations = topic.error_code == 0 ? kAllTopicOperations : kNotAsked;
    }
  }
  co_return response;
}

}  // namespace sluice::broker
