// Topics, the cluster and offsets. admin_configs.cc has the configurations.
#include "sluice/admin.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/internal/admin_call.h"
#include "client/internal/offset_lookup.h"
#include "proto/base/nearest_name.h"
#include "proto/kafka/gen/create_partitions.h"
#include "proto/kafka/gen/create_topics.h"
#include "proto/kafka/gen/delete_topics.h"

namespace sluice {
namespace {

using client_internal::CallWithRetries;
using client_internal::Core;
using client_internal::IsNotController;
using client_internal::KafkaStatus;
using client_internal::kAnyBroker;
using client_internal::kController;
using kafka::ErrorCode;

std::string Quoted(absl::string_view what, absl::string_view name) {
  return absl::StrCat(what, " \"", name, "\"");
}

int32_t TimeoutMs(const Core& core) {
  return static_cast<int32_t>(core.options().request_timeout.count());
}

constexpr auto kNeverMisdirected = [](const auto&) { return false; };

TopicDescription ToDescription(const kafka::MetadataResponse::MetadataResponseTopic& from) {
  TopicDescription to;
  to.name = from.name.value_or("");
  to.topic_id = from.topic_id.IsZero() ? "" : from.topic_id.ToString();
  to.internal = from.is_internal;
  for (const auto& partition : from.partitions) {
    to.partitions.push_back({.partition = partition.partition_index,
                             .leader = partition.leader_id,
                             .leader_epoch = partition.leader_epoch,
                             .replicas = partition.replica_nodes,
                             .in_sync_replicas = partition.isr_nodes,
                             .offline_replicas = partition.offline_replicas});
  }
  std::sort(to.partitions.begin(), to.partitions.end(),
            [](const auto& a, const auto& b) { return a.partition < b.partition; });
  return to;
}

// All topics when `names` is null.
absl::StatusOr<kafka::MetadataResponse> AskMetadata(Core& core, const std::vector<std::string>* names) {
  kafka::MetadataRequest request;
  request.allow_auto_topic_creation = false;
  if (names != nullptr) {
    request.topics.emplace();
    for (const std::string& name : *names) {
      request.topics->emplace_back().name = name;
    }
  }
  ASSIGN_OR_RETURN(auto answer, CallWithRetries(core, kAnyBroker, request, kNeverMisdirected));
  RETURN_IF_ERROR(KafkaStatus(answer.message.error_code, "ask for the cluster's metadata"));
  return std::move(answer.message);
}

// "Did you mean", for a topic that does not exist.
absl::Status NoSuchTopic(Core& core, absl::string_view name) {
  std::string problem = "the topic does not exist";
  if (const auto all = AskMetadata(core, nullptr); all.ok()) {
    std::vector<absl::string_view> names;
    for (const auto& topic : all->topics) {
      if (topic.name) {
        names.push_back(*topic.name);
      }
    }
    if (const auto closest = NearestName(name, names)) {
      absl::StrAppend(&problem, " (closest: \"", *closest, "\")");
    }
  }
  return KafkaStatus(ErrorCode::kUnknownTopicOrPartition, Quoted("topic", name), problem,
                     "create it, or check the name");
}

}  // namespace

Admin::Admin(Core& core) : core_(core) {}

Admin::~Admin() = default;

absl::Status Admin::CreateTopic(const NewTopic& topic, bool validate_only) {
  ASSIGN_OR_RETURN(const std::vector<absl::Status> results, CreateTopics({topic}, validate_only));
  return results.front();
}

absl::StatusOr<std::vector<absl::Status>> Admin::CreateTopics(const std::vector<NewTopic>& topics,
                                                              bool validate_only) {
  kafka::CreateTopicsRequest request;
  request.timeout_ms = TimeoutMs(core_);
  request.validate_only = validate_only;
  for (const NewTopic& topic : topics) {
    auto& entry = request.topics.emplace_back();
    entry.name = topic.name;
    entry.num_partitions = topic.partitions;
    entry.replication_factor = topic.replication_factor;
    for (const auto& [name, value] : topic.configs) {
      auto& config = entry.configs.emplace_back();
      config.name = name;
      config.value = value;
    }
  }
  ASSIGN_OR_RETURN(
      const auto answer,
      CallWithRetries(core_, kController, request, [](const kafka::CreateTopicsResponse& response) {
        return !response.topics.empty() && IsNotController(response.topics.front().error_code);
      }));
  std::vector<absl::Status> results;
  for (const NewTopic& topic : topics) {
    const auto& found = answer.message.topics;
    const auto result =
        std::find_if(found.begin(), found.end(), [&](const auto& r) { return r.name == topic.name; });
    results.push_back(result == found.end()
                          ? absl::InternalError(absl::StrCat(Quoted("create topic", topic.name),
                                                             ": the broker's answer does not mention it"))
                          : KafkaStatus(result->error_code, Quoted("create topic", topic.name),
                                        result->error_message.value_or("")));
  }
  return results;
}

absl::Status Admin::DeleteTopic(std::string_view name) {
  ASSIGN_OR_RETURN(const std::vector<absl::Status> results, DeleteTopics({std::string(name)}));
  if (absl::IsNotFound(results.front())) {
    return client_internal::Annotated(NoSuchTopic(core_, ToAbsl(name)), "delete");
  }
  return results.front();
}

absl::StatusOr<std::vector<absl::Status>> Admin::DeleteTopics(const std::vector<std::string>& names) {
  kafka::DeleteTopicsRequest request;
  request.timeout_ms = TimeoutMs(core_);
  constexpr int16_t kTopicsAsStructs = 6;
  if (client_internal::CommonVersion(core_, kafka::DeleteTopicsRequest::kApiKey) < kTopicsAsStructs) {
    request.topic_names = names;
  } else {
    for (const std::string& name : names) {
      request.topics.emplace_back().name = name;
    }
  }
  ASSIGN_OR_RETURN(
      const auto answer,
      CallWithRetries(core_, kController, request, [](const kafka::DeleteTopicsResponse& response) {
        return !response.responses.empty() && IsNotController(response.responses.front().error_code);
      }));
  std::vector<absl::Status> results;
  for (const std::string& name : names) {
    const auto& found = answer.message.responses;
    const auto result =
        std::find_if(found.begin(), found.end(), [&](const auto& r) { return r.name == name; });
    results.push_back(result == found.end()
                          ? absl::InternalError(absl::StrCat(Quoted("delete topic", name),
                                                             ": the broker's answer does not mention it"))
                          : KafkaStatus(result->error_code, Quoted("delete topic", name),
                                        result->error_message.value_or("")));
  }
  return results;
}

absl::Status Admin::AddPartitions(std::string_view topic, int32_t total, bool validate_only) {
  kafka::CreatePartitionsRequest request;
  request.timeout_ms = TimeoutMs(core_);
  request.validate_only = validate_only;
  auto& entry = request.topics.emplace_back();
  entry.name = std::string(topic);
  entry.count = total;
  ASSIGN_OR_RETURN(
      const auto answer,
      CallWithRetries(core_, kController, request, [](const kafka::CreatePartitionsResponse& response) {
        return !response.results.empty() && IsNotController(response.results.front().error_code);
      }));
  const std::string what = Quoted("add partitions to topic", ToAbsl(topic));
  if (answer.message.results.empty()) {
    return absl::InternalError(absl::StrCat(what, ": the broker's answer is empty"));
  }
  const auto& result = answer.message.results.front();
  if (result.error_code == kafka::ToWire(ErrorCode::kUnknownTopicOrPartition)) {
    return client_internal::Annotated(NoSuchTopic(core_, ToAbsl(topic)), "add partitions");
  }
  return KafkaStatus(result.error_code, what, result.error_message.value_or(""));
}

absl::StatusOr<std::vector<TopicDescription>> Admin::ListTopics() {
  ASSIGN_OR_RETURN(const kafka::MetadataResponse response, AskMetadata(core_, nullptr));
  std::vector<TopicDescription> topics;
  for (const auto& topic : response.topics) {
    topics.push_back(ToDescription(topic));
  }
  std::sort(topics.begin(), topics.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return topics;
}

absl::StatusOr<TopicDescription> Admin::DescribeTopic(std::string_view name) {
  ASSIGN_OR_RETURN(auto results, DescribeTopics({std::string(name)}));
  return std::move(results.front());
}

absl::StatusOr<std::vector<absl::StatusOr<TopicDescription>>> Admin::DescribeTopics(
    const std::vector<std::string>& names) {
  ASSIGN_OR_RETURN(const kafka::MetadataResponse response, AskMetadata(core_, &names));
  std::vector<absl::StatusOr<TopicDescription>> results;
  for (const std::string& name : names) {
    const auto topic = std::find_if(response.topics.begin(), response.topics.end(),
                                    [&](const auto& found) { return found.name == name; });
    if (topic == response.topics.end() ||
        topic->error_code == kafka::ToWire(ErrorCode::kUnknownTopicOrPartition)) {
      results.emplace_back(NoSuchTopic(core_, name));
    } else if (topic->error_code != 0) {
      results.emplace_back(KafkaStatus(topic->error_code, Quoted("describe topic", name)));
    } else {
      results.emplace_back(ToDescription(*topic));
    }
  }
  return results;
}

absl::StatusOr<ClusterDescription> Admin::DescribeCluster() {
  // From Metadata rather than DescribeCluster: every broker that was ever written answers it.
  const std::vector<std::string> none;
  ASSIGN_OR_RETURN(const kafka::MetadataResponse response, AskMetadata(core_, &none));
  ClusterDescription cluster;
  cluster.cluster_id = response.cluster_id.value_or("");
  cluster.controller_id = response.controller_id;
  for (const auto& broker : response.brokers) {
    cluster.brokers.push_back({broker.node_id, broker.host, broker.port, broker.rack.value_or("")});
  }
  std::sort(cluster.brokers.begin(), cluster.brokers.end(),
            [](const auto& a, const auto& b) { return a.id < b.id; });
  return cluster;
}

absl::StatusOr<std::vector<OffsetAnswer>> Admin::ListOffsets(const std::vector<OffsetQuery>& queries) {
  std::vector<OffsetAnswer> answers;
  absl::Notification done;
  core_.loop().Post([&] {
    client_internal::LookUpOffsets(core_, queries, core_.request_timeout(),
                                   [&](std::vector<OffsetAnswer> found) {
                                     answers = std::move(found);
                                     done.Notify();
                                   });
  });
  done.WaitForNotification();
  return answers;
}

absl::StatusOr<std::vector<ApiVersionRange>> Admin::ApiVersions() {
  absl::StatusOr<std::vector<ApiVersionRange>> result;
  absl::Notification done;
  core_.loop().Post([&] {
    core_.Acquire(client_internal::kControlChannel, kAnyBroker,
                  [&](absl::StatusOr<std::shared_ptr<client_internal::Connection>> connection) {
                    if (connection.ok()) {
                      result.emplace();
                      for (const auto& [key, range] : (*connection)->api_versions()) {
                        result->push_back({key, range.min, range.max});
                      }
                    } else {
                      result = connection.status();
                    }
                    done.Notify();
                  });
  });
  done.WaitForNotification();
  if (result.ok()) {
    std::sort(result->begin(), result->end(),
              [](const auto& a, const auto& b) { return a.api_key < b.api_key; });
  }
  return result;
}

}  // namespace sluice
