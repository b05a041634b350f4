// Heartbeat (12): a member of a classic group is alive, and asks whether it has to join again.
//
//   v1 throttle time      v3 static members      v4 flexible
#include <utility>

#include "broker/kafka/group_call.h"
#include "broker/kafka/handlers.h"
#include "broker/kafka/reply_later.h"

namespace sluice::broker {

asio::awaitable<void> HandleHeartbeat(const kafka::HeartbeatRequest& request, Call& call) {
  const GroupPlace place = PlaceOfGroup(call, request.group_id, EmptyGroupId::kRefused);
  auto answer = [reply = ReplyLater(call)](kafka::ErrorCode error) mutable {
    kafka::HeartbeatResponse response;
    // While its group is being read nobody can say that a member is none, and clients know no code for that
    // in this answer: Kafka gives none, either.
    const bool is_loading = error == kafka::ErrorCode::kCoordinatorLoadInProgress;
    response.error_code = kafka::ToWire(is_loading ? kafka::ErrorCode::kNone : error);
    reply(response);
  };
  if (place.shard == nullptr) {
    answer(place.error);
    co_return;
  }
  place.shard->Heartbeat(request.group_id,
                         {.member_id = request.member_id,
                          .instance_id = request.group_instance_id,
                          .generation = request.generation_id},
                         std::move(answer));
}

}  // namespace sluice::broker
