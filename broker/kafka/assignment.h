// Replica assignments that a client makes by hand: here every partition has one replica, on this broker.
#pragma once

#include <cstdint>
#include <vector>

#include "broker/topic/catalog.h"
#include "proto/base/ids.h"

namespace sluice::broker {

// The brokers of one partition must be exactly this one: INVALID_REPLICA_ASSIGNMENT.
TopicError CheckAssignedBrokers(const std::vector<int32_t>& broker_ids, NodeId node);

}  // namespace sluice::broker
