// SyncGroup (14): the leader hands out a generation's assignments, each member gets its own.
//
//   v1 throttle time      v3 static members      v4 flexible      v5 the protocol, to be checked
//
// The answer comes when the leader has spoken and its assignments are on the disk.
#include <utility>

#include "broker/kafka/group_call.h"
#include "broker/kafka/handlers.h"
#include "broker/kafka/reply_later.h"

namespace sluice::broker {

asio::awaitable<void> HandleSyncGroup(const kafka::SyncGroupRequest& request, Call& call) {
  SyncRequest sync{.member = {.member_id = request.member_id,
                              .instance_id = request.group_instance_id,
                              .generation = request.generation_id},
                   .protocol_type = request.protocol_type,
                   .protocol = request.protocol_name};
  for (const auto& assigned : request.assignments) {
    sync.assignments.emplace_back(assigned.member_id, std::string(AsText(assigned.assignment)));
  }
  const GroupPlace place = PlaceOfGroup(call, request.group_id, EmptyGroupId::kRefused);
  auto answer = [reply = ReplyLater(call)](const SyncAnswer& synced) mutable {
    kafka::SyncGroupResponse response;
    response.error_code = kafka::ToWire(synced.error);
    response.protocol_type = synced.protocol_type;
    response.protocol_name = synced.protocol;
    response.assignment = AsBytes(synced.assignment);
    reply(response);
  };
  if (place.shard == nullptr) {
    answer({.error = place.error});
    co_return;
  }
  place.shard->Sync(request.group_id, sync, std::move(answer));
}

}  // namespace sluice::broker
