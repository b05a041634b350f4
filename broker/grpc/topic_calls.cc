#include "broker/grpc/topic_calls.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/grpc/status_map.h"
#include "broker/topic/topic_rules.h"

namespace sluice::broker {
namespace {

bool IsInternal(const Topic& topic) {
  return absl::StartsWith(topic.name, "__");
}

void Describe(Partition& partition, NodeId node_id, v1::PartitionDescription* description) {
  storage::Log& log = partition.log();
  description->set_partition(partition.id().value());
  description->set_start_offset(log.start().value());
  description->set_end_offset(log.end().value());
  description->set_high_watermark(partition.high_watermark().value());
  description->set_size_bytes(static_cast<int64_t>(log.size_bytes()));
  const absl::Status health = partition.health();
  description->set_leader(health.ok() ? node_id.value() : -1);
  description->set_offline_reason(std::string(health.message()));
  description->set_leader_epoch(partition.leader_epoch().value());
}

}  // namespace

grpc::Status CreateTopic(Catalog& catalog, const v1::CreateTopicRequest& request,
                         v1::CreateTopicResponse* response) {
  TopicSpec spec = {.name = request.name(), .configs = {request.configs().begin(), request.configs().end()}};
  if (request.partitions() < 0) {
    return InvalidArgument(
        absl::StrCat("a topic cannot have ", request.partitions(),
                     " partitions: ask for 1 or more, or 0 for the broker's num.partitions"));
  }
  if (const TopicError error = CheckClientMayCreate(request.name()); !error.ok()) {
    return ToGrpcStatus(error);
  }
  spec.partitions = request.partitions() == 0 ? -1 : request.partitions();
  TopicPtr topic;
  if (const TopicError error = catalog.Create(spec, request.validate_only(), &topic); !error.ok()) {
    return ToGrpcStatus(error);
  }
  if (!request.validate_only()) {
    response->set_topic_id(topic->id.ToString());
    response->set_partitions(static_cast<int32_t>(topic->partitions.size()));
  }
  return grpc::Status::OK;
}

grpc::Status ListTopics(const Catalog& catalog, const v1::ListTopicsRequest& request,
                        v1::ListTopicsResponse* response) {
  for (const TopicPtr& topic : catalog.All()) {
    if (IsInternal(*topic) && !request.include_internal()) {
      continue;
    }
    v1::TopicSummary* summary = response->add_topics();
    summary->set_name(topic->name);
    summary->set_topic_id(topic->id.ToString());
    summary->set_partitions(static_cast<int32_t>(topic->partitions.size()));
    summary->set_internal(IsInternal(*topic));
  }
  return grpc::Status::OK;
}

grpc::Status DescribeTopic(const Catalog& catalog, NodeId node_id, const v1::DescribeTopicRequest& request,
                           v1::DescribeTopicResponse* response) {
  const TopicPtr topic = catalog.Find(request.name());
  if (topic == nullptr) {
    return NoSuchTopic(catalog, request.name());
  }
  response->set_name(topic->name);
  response->set_topic_id(topic->id.ToString());
  response->set_internal(IsInternal(*topic));
  response->set_created_ms(topic->created_ms);
  response->mutable_configs()->insert(topic->config.overrides().begin(), topic->config.overrides().end());
  for (const std::shared_ptr<Partition>& partition : topic->partitions) {
    Describe(*partition, node_id, response->add_partitions());
  }
  return grpc::Status::OK;
}

grpc::Status DeleteTopic(Catalog& catalog, const v1::DeleteTopicRequest& request) {
  return request.name().empty() ? NoSuchTopic(catalog, "") : ToGrpcStatus(catalog.Delete(request.name()));
}

grpc::Status AddPartitions(Catalog& catalog, const v1::AddPartitionsRequest& request) {
  const TopicPtr topic = catalog.Find(request.name());
  if (topic == nullptr) {
    return NoSuchTopic(catalog, request.name());
  }
  if (request.total() < 1) {
    return InvalidArgument("`total` is how many partitions there shall be in all: at least 1");
  }
  const TopicError error = catalog.AddPartitions(request.name(), request.total(), request.validate_only());
  if (error.code == kafka::ErrorCode::kInvalidPartitions) {
    return {grpc::StatusCode::FAILED_PRECONDITION, error.message};  // It has that many already.
  }
  return ToGrpcStatus(error);
}

}  // namespace sluice::broker
