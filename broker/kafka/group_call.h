// What the handlers of groups share.
#pragma once

#include <memory>
#include <string>

#include "broker/group/group_coordinator.h"
#include "broker/kafka/call.h"

namespace sluice::broker {

// Where a group's requests go, or why not: INVALID_GROUP_ID for an empty id where members are meant,
// NOT_COORDINATOR before anyone has looked for a coordinator (FindCoordinator makes the topic).
struct GroupPlace {
  std::shared_ptr<GroupShard> shard;
  kafka::ErrorCode error = kafka::ErrorCode::kNone;
};
enum class EmptyGroupId { kRefused, kAllowed };
GroupPlace PlaceOfGroup(const Call& call, const std::string& group_id, EmptyGroupId empty);

// "/127.0.0.1", as Kafka reports it.
std::string ClientHost(const ConnectionInfo& connection);

// What a client may do with a group, as the bits of Kafka's AclOperations: read, delete, describe, and its
// configs.
inline constexpr int32_t kAllGroupOperations = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11;

}  // namespace sluice::broker
