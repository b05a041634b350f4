#include "broker/grpc/record_calls.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "broker/grpc/status_map.h"
#include "broker/topic/delete_records.h"

namespace sluice::broker {
namespace {

grpc::Status StatusOf(const DeleteRecordsVerdict& verdict) {
  // A policy is a limit to an append, but here a state that the topic is in.
  return verdict.code == kafka::ErrorCode::kPolicyViolation
             ? grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, verdict.message)
             : ToGrpcStatus(verdict.code, verdict.message);
}

// Everything, before anything is deleted.
grpc::Status CheckAll(const v1::DeleteRecordsRequest& request, const Topic& topic) {
  if (request.partitions().empty()) {
    return InvalidArgument("the request names no partition: each is cut at an offset of its own");
  }
  std::set<int32_t> seen;
  for (const v1::PartitionCut& cut : request.partitions()) {
    const Partition* partition = topic.Find(PartitionId(cut.partition()));
    if (partition == nullptr) {
      return NoSuchPartition(topic, cut.partition());
    }
    if (!seen.insert(cut.partition()).second) {
      return InvalidArgument(
          absl::StrCat("partition ", cut.partition(), " is named more than once in the request"));
    }
    if (const auto verdict = CheckDeleteRecords(topic, *partition, cut.before_offset()); !verdict.ok()) {
      return StatusOf(verdict);
    }
  }
  return grpc::Status::OK;
}

}  // namespace

grpc::Status DeleteRecords(const Catalog& catalog, const v1::DeleteRecordsRequest& request,
                           v1::DeleteRecordsResponse* response) {
  const TopicPtr topic = catalog.Find(request.topic());
  if (topic == nullptr) {
    return NoSuchTopic(catalog, request.topic());
  }
  if (grpc::Status status = CheckAll(request, *topic); !status.ok()) {
    return status;
  }
  for (const v1::PartitionCut& cut : request.partitions()) {
    const auto verdict = DeleteRecordsBefore(*topic->Find(PartitionId(cut.partition())), cut.before_offset());
    if (!verdict.ok()) {
      return StatusOf(verdict);
    }
    v1::PartitionStart* start = response->add_partitions();
    start->set_partition(cut.partition());
    start->set_start_offset(verdict.low_watermark.value());
  }
  return grpc::Status::OK;
}

}  // namespace sluice::broker
