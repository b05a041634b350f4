#include "broker/grpc/list_offsets.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "broker/grpc/status_map.h"
#include "proto/base/status_macros.h"

namespace sluice::broker {
namespace {

absl::Status FindByTime(Partition& partition, int64_t timestamp_ms, v1::PartitionOffset* answer) {
  ASSIGN_OR_RETURN(const auto found, partition.log().FindTimestamp(timestamp_ms, partition.high_watermark()));
  answer->set_offset(found ? found->offset.value() : -1);
  answer->set_timestamp_ms(found ? found->timestamp_ms : -1);
  return absl::OkStatus();
}

absl::Status FindOffset(const v1::ListOffsetsRequest& request, Partition& partition,
                        v1::PartitionOffset* answer) {
  answer->set_partition(partition.id().value());
  answer->set_timestamp_ms(-1);
  switch (request.position_case()) {
    case v1::ListOffsetsRequest::kStart:
      answer->set_offset(partition.log().start().value());
      return absl::OkStatus();
    case v1::ListOffsetsRequest::kTimestampMs:
      return FindByTime(partition, request.timestamp_ms(), answer);
    case v1::ListOffsetsRequest::kEnd:
    case v1::ListOffsetsRequest::POSITION_NOT_SET:
      break;
  }
  answer->set_offset(partition.high_watermark().value());
  return absl::OkStatus();
}

std::vector<int32_t> PartitionsOf(const v1::ListOffsetsRequest& request, const Topic& topic) {
  std::vector<int32_t> partitions(request.partitions().begin(), request.partitions().end());
  if (partitions.empty()) {
    partitions.resize(topic.partitions.size());
    std::iota(partitions.begin(), partitions.end(), 0);
  }
  std::sort(partitions.begin(), partitions.end());
  return partitions;
}

}  // namespace

grpc::Status ListOffsets(const Catalog& catalog, const v1::ListOffsetsRequest& request,
                         v1::ListOffsetsResponse* response) {
  const TopicPtr topic = catalog.Find(request.topic());
  if (topic == nullptr) {
    return NoSuchTopic(catalog, request.topic());
  }
  for (const int32_t number : PartitionsOf(request, *topic)) {
    Partition* partition = topic->Find(PartitionId(number));
    if (partition == nullptr) {
      return NoSuchPartition(*topic, number);
    }
    if (grpc::Status health = HealthOf(*partition); !health.ok()) {
      return health;
    }
    if (absl::Status status = FindOffset(request, *partition, response->add_offsets()); !status.ok()) {
      return ToGrpcStatus(status);
    }
  }
  return grpc::Status::OK;
}

}  // namespace sluice::broker
