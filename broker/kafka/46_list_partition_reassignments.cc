// ListPartitionReassignments (46), v0: which partitions are on their way to other brokers. There is one
// broker, so none ever is; partitions that are asked for and do not move are left out in Kafka, too.
#include "broker/kafka/handlers.h"

namespace sluice::broker {

kafka::ListPartitionReassignmentsResponse HandleListPartitionReassignments(
    const kafka::ListPartitionReassignmentsRequest&, Call&) {
  return {};
}

}  // namespace sluice::broker
