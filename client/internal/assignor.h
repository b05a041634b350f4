// How the leader of a group shares the partitions out. Pure: the same members and topics, in any order, give
// the same answer.
//
//   range                three members, topic of seven: [0 1 2] [3 4] [5 6], and so for each topic
//   cooperative-sticky   one more member joins: [0 1 2] [3 4] [5 6] []  ->  [0 1] [3 4] [5 6] []   (2 is
//   given
//                        back, nobody has it; then its owner comes again)  ->  [0 1] [3 4] [5 6] [2]
#pragma once

#include <map>
#include <string>
#include <vector>

#include "client/internal/consumer_protocol.h"

namespace sluice::client_internal {

struct AssignedMember {
  std::string member_id;
  std::string instance_id;  // Empty: the member is not static.
  Subscription subscription;
};

using PartitionCounts = std::map<std::string, int32_t>;  // Of topics that exist.
using Assignments =
    std::map<std::string, std::vector<TopicPartition>>;  // By member id; every member is there.

Assignments Assign(Assignor assignor, std::vector<AssignedMember> members, const PartitionCounts& topics);

}  // namespace sluice::client_internal
