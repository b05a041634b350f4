// FindCoordinator (10): who coordinates a consumer group (type 0) or a transactional id (type 1).
//
//   v0 groups only      v1 types, error message      v3 flexible      v4 many keys at once
//   v5, v6 error codes and types that do not change the layout
//
// This broker coordinates every group. The first one to look for a coordinator has __consumer_offsets made.
// Transactions and share groups are not served: INVALID_REQUEST, which is final, because nothing that such a
// client could do would work.
#include "absl/strings/str_cat.h"
#include "broker/group/group_coordinator.h"
#include "broker/kafka/handlers.h"
#include "broker/kafka/self.h"
#include "broker/net/disk_pool.h"
#include "proto/kafka/error_code.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::FindCoordinatorRequest;

constexpr int8_t kGroupType = 0;
constexpr int16_t kManyFrom = 4;
constexpr int kNoPort = -1;
constexpr int kNoNode = -1;

struct Found {
  Self self = {.node_id = kNoNode, .host = "", .port = kNoPort};
  ErrorCode error = ErrorCode::kNone;
  std::string message = {};
};

Found Refusal(ErrorCode error, std::string message) {
  return {.error = error, .message = std::move(message)};
}

asio::awaitable<Found> Find(const Request& request, Call& call) {
  if (request.key_type != kGroupType) {
    co_return Refusal(ErrorCode::kInvalidRequest,
                      "this broker coordinates groups (key type 0), not transactions or share groups; leave "
                      "transactional.id unset");
  }
  const TopicError made =
      co_await OnPool(call.services.pool, [&groups = call.services.groups] { return groups.EnsureTopic(); });
  if (!made.ok()) {
    co_return Refusal(ErrorCode::kCoordinatorNotAvailable,
                      absl::StrCat("__consumer_offsets cannot be made: ", made.message));
  }
  co_return Found{.self = DescribeSelf(call)};
}

}  // namespace

asio::awaitable<kafka::FindCoordinatorResponse> HandleFindCoordinator(const Request& request, Call& call) {
  const Found found = co_await Find(request, call);
  kafka::FindCoordinatorResponse response;
  if (call.version() < kManyFrom) {
    response.error_code = kafka::ToWire(found.error);
    response.error_message = found.message;
    response.node_id = found.self.node_id;
    response.host = found.self.host;
    response.port = found.self.port;
    co_return response;
  }
  for (const std::string& key : request.coordinator_keys) {
    auto& coordinator = response.coordinators.emplace_back();
    coordinator.key = key;
    coordinator.node_id = found.self.node_id;
    coordinator.host = found.self.host;
    coordinator.port = found.self.port;
    coordinator.error_code = kafka::ToWire(found.error);
    coordinator.error_message = found.message;
  }
  co_return response;
}

}  // namespace sluice::broker
