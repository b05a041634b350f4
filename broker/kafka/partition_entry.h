// Where a partition is, as Metadata and DescribeTopicPartitions tell it.
#pragma once

#include "broker/topic/partition.h"
#include "proto/base/ids.h"
#include "proto/kafka/error_code.h"

namespace sluice::broker {

// `Entry`: the partition of either response.
template <class Entry>
void DescribePartition(const Partition& partition, NodeId node, Entry* entry) {
  constexpr int32_t kNoLeader = -1;
  entry->partition_index = partition.id().value();
  entry->leader_id = node.value();
  entry->leader_epoch = partition.leader_epoch().value();
  entry->replica_nodes = {node.value()};
  entry->isr_nodes = {node.value()};
  if (partition.offline()) {
    // As Kafka tells of a partition whose only replica is on a failed log dir: producers that may choose go
    // to the others.
    entry->error_code = kafka::ToWire(kafka::ErrorCode::kLeaderNotAvailable);
    entry->leader_id = kNoLeader;
    entry->offline_replicas = {node.value()};
  }
}

}  // namespace sluice::broker
