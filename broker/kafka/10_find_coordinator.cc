// FindCoordinator (10): who coordinates a consumer group (type 0) or a transactional id (type 1).
//
//   v0 groups only      v1 types, error message      v3 flexible      v4 many keys at once
//   v5, v6 error codes and types that do not change the layout
//
// This broker coordinates neither yet. For a group it says COORDINATOR_NOT_AVAILABLE: a consumer that was
// given its partitions (assign()) but has a group.id asks in the background and reads on, where an error that
// is final would stop it; one that wants to join a group gets the message when its own timeout ends. For a
// transaction it says INVALID_REQUEST, which is final: nothing that a transactional producer could do would
// work.
#include "broker/kafka/handlers.h"
#include "proto/kafka/error_code.h"

namespace sluice::broker {
namespace {

constexpr int8_t kTransactionType = 1;
constexpr int kNoPort = -1;
constexpr int kNoNode = -1;
constexpr char kMessage[] =
    "this broker coordinates no consumer groups and no transactions; assign partitions by hand, and leave "
    "transactional.id unset";

}  // namespace

kafka::FindCoordinatorResponse HandleFindCoordinator(const kafka::FindCoordinatorRequest& request,
                                                     Call& call) {
  const int16_t code =
      kafka::ToWire(request.key_type == kTransactionType ? kafka::ErrorCode::kInvalidRequest
                                                         : kafka::ErrorCode::kCoordinatorNotAvailable);
  kafka::FindCoordinatorResponse response;
  if (call.version() < 4) {
    response.error_code = code;
    response.error_message = kMessage;
    response.node_id = kNoNode;
    response.port = kNoPort;
    return response;
  }
  for (const std::string& key : request.coordinator_keys) {
    auto& coordinator = response.coordinators.emplace_back();
    coordinator.key = key;
    coordinator.node_id = kNoNode;
    coordinator.port = kNoPort;
    coordinator.error_code = code;
    coordinator.error_message = kMessage;
  }
  return response;
}

}  // namespace sluice::broker
