// CreatePartitions (37): more partitions for topics that exist. There is no way to fewer.
//
//   v0, v1 the same      v2 flexible      v3 quota errors
#include "absl/strings/str_cat.h"
#include "broker/kafka/assignment.h"
#include "broker/kafka/each_once.h"
#include "broker/kafka/handlers.h"
#include "broker/kafka/partition_lookup.h"
#include "broker/net/disk_pool.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::CreatePartitionsRequest;
using Response = kafka::CreatePartitionsResponse;

TopicError Refusal(ErrorCode code, std::string message) {
  return {.code = code, .message = std::move(message)};
}

// One assignment for each partition that is new, each on this broker.
TopicError CheckAssignments(const Request::CreatePartitionsTopic& asked, const Topic& topic, NodeId node) {
  if (!asked.assignments.has_value()) {
    return {};
  }
  const int64_t added = asked.count - std::ssize(topic.partitions);
  if (added != std::ssize(*asked.assignments)) {
    return Refusal(ErrorCode::kInvalidReplicaAssignment,
                   absl::StrCat(asked.assignments->size(), " assignments for ", added, " new partitions"));
  }
  for (const auto& assignment : *asked.assignments) {
    if (TopicError error = CheckAssignedBrokers(assignment.broker_ids, node); !error.ok()) {
      return error;
    }
  }
  return {};
}

// Blocks.
TopicError AddPartitions(const Request::CreatePartitionsTopic& asked, bool validate_only,
                         const Services& services) {
  const TopicLookup found = FindTopicByName(services.catalog, asked.name);
  if (found.topic == nullptr) {
    return services.catalog.UnknownTopic(asked.name);
  }
  // A count that is too small is the catalog's to refuse, whatever was assigned.
  if (asked.count > std::ssize(found.topic->partitions)) {
    if (TopicError error = CheckAssignments(asked, *found.topic, services.node_id); !error.ok()) {
      return error;
    }
  }
  return services.catalog.AddPartitions(asked.name, asked.count, validate_only);
}

// Blocks.
Response AddAll(const Request& request, const Services& services) {
  Response response;
  const auto answer = [&](const Request::CreatePartitionsTopic& asked) -> auto& {
    auto& result = response.results.emplace_back();
    result.name = asked.name;
    return result;
  };
  ForEachName(request.topics, answer, [&](const auto& asked, const auto*) {
    return AddPartitions(asked, request.validate_only, services);
  });
  return response;
}

}  // namespace

asio::awaitable<kafka::CreatePartitionsResponse> HandleCreatePartitions(const Request& request, Call& call) {
  co_return co_await OnPool(call.services.pool, [&] { return AddAll(request, call.services); });
}

}  // namespace sluice::broker
