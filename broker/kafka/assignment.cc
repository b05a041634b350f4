#include "broker/kafka/assignment.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sluice::broker {

TopicError CheckAssignedBrokers(const std::vector<int32_t>& broker_ids, NodeId node) {
  if (broker_ids.size() == 1 && broker_ids.front() == node.value()) {
    return {};
  }
  return {
      .code = kafka::ErrorCode::kInvalidReplicaAssignment,
      .message = absl::StrCat("a partition cannot be assigned to brokers [", absl::StrJoin(broker_ids, ", "),
                              "]: the only broker is ", node.value(), ", and it holds one copy of each")};
}

}  // namespace sluice::broker
