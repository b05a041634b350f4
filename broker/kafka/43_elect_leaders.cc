// ElectLeaders (43): has a leader elected for partitions that lack the one they should have.
//
//   v0 the preferred replica      v1 also an unclean election; an error for the whole      v2 flexible
//
// With one broker a partition has its leader, ELECTION_NOT_NEEDED, or its log dir is offline and nobody else
// can lead. Who asks about all partitions (null) is told of the latter only, as in Kafka.
#include "absl/strings/str_cat.h"
#include "broker/kafka/handlers.h"
#include "broker/kafka/partition_lookup.h"
#include "proto/kafka/error_code.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::ElectLeadersRequest;
using Response = kafka::ElectLeadersResponse;
using Result = Response::ReplicaElectionResult;

constexpr int8_t kPreferred = 0;
constexpr int8_t kUnclean = 1;

TopicError Elect(const TopicLookup& topic, int32_t partition, int8_t type) {
  const PartitionLookup found = FindPartition(topic, partition);
  if (found.partition == nullptr) {
    return {.code = ErrorCode::kUnknownTopicOrPartition,
            .message = topic.topic == nullptr ? "there is no such topic" : "the topic has no such partition"};
  }
  if (const absl::Status health = found.partition->health(); !health.ok()) {
    return {.code = type == kUnclean ? ErrorCode::kEligibleLeadersNotAvailable
                                     : ErrorCode::kPreferredLeaderNotAvailable,
            .message = std::string(health.message())};
  }
  return {.code = ErrorCode::kElectionNotNeeded, .message = "the partition has the only leader it can have"};
}

void Add(int32_t partition, const TopicError& error, Result* result) {
  auto& answer = result->partition_result.emplace_back();
  answer.partition_id = partition;
  answer.error_code = kafka::ToWire(error.code);
  answer.error_message = error.message;
}

void ElectNamed(const Request& request, const Catalog& catalog, Response* response) {
  for (const auto& asked : *request.topic_partitions) {
    const TopicLookup topic = FindTopicByName(catalog, asked.topic);
    Result& result = response->replica_election_results.emplace_back();
    result.topic = asked.topic;
    for (const int32_t partition : asked.partitions) {
      Add(partition, Elect(topic, partition, request.election_type), &result);
    }
  }
}

void ElectAll(const Request& request, const Catalog& catalog, Response* response) {
  for (const TopicPtr& topic : catalog.All()) {
    Result result;
    result.topic = topic->name;
    for (const auto& partition : topic->partitions) {
      const int32_t id = partition->id().value();
      const TopicError error = Elect({.topic = topic}, id, request.election_type);
      if (error.code != ErrorCode::kElectionNotNeeded) {
        Add(id, error, &result);
      }
    }
    if (!result.partition_result.empty()) {
      response->replica_election_results.push_back(std::move(result));
    }
  }
}

// The error for the whole, and for each partition that was named, as Kafka gives it.
void RefuseAll(const Request& request, const TopicError& error, Response* response) {
  response->error_code = kafka::ToWire(error.code);
  if (!request.topic_partitions.has_value()) {
    return;
  }
  for (const auto& asked : *request.topic_partitions) {
    Result& result = response->replica_election_results.emplace_back();
    result.topic = asked.topic;
    for (const int32_t partition : asked.partitions) {
      Add(partition, error, &result);
    }
  }
}

}  // namespace

kafka::ElectLeadersResponse HandleElectLeaders(const Request& request, Call& call) {
  kafka::ElectLeadersResponse response;
  if (request.election_type != kPreferred && request.election_type != kUnclean) {
    RefuseAll(request,
              {.code = ErrorCode::kInvalidRequest,
               .message = absl::StrCat("election type ", static_cast<int>(request.election_type),
                                       " is neither 0, preferred, nor 1, unclean")},
              &response);
  } else if (request.topic_partitions.has_value()) {
    ElectNamed(request, call.services.catalog, &response);
  } else {
    ElectAll(request, call.services.catalog, &response);
  }
  return response;
}

}  // namespace sluice::broker
