// LeaveGroup (13): members leave a classic group.
//
//   v0 one member      v1 throttle time      v3 many, and static ones by their instance id      v4 flexible
//   v5 a reason
#include <utility>

#include "broker/kafka/group_call.h"
#include "broker/kafka/handlers.h"
#include "broker/kafka/reply_later.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::LeaveGroupRequest;
using Response = kafka::LeaveGroupResponse;

constexpr int16_t kManyFrom = 3;

Response ToResponse(ErrorCode group_error, const std::vector<ErrorCode>& each,
                    const std::vector<LeaveRequest>& members, int16_t version) {
  Response response;
  response.error_code = kafka::ToWire(group_error);
  if (version < kManyFrom) {
    if (!each.empty()) {
      response.error_code = kafka::ToWire(each.front());
    }
    return response;
  }
  for (size_t i = 0; i < each.size(); ++i) {
    auto& member = response.members.emplace_back();
    member.member_id = members[i].member_id;
    member.group_instance_id = members[i].instance_id;
    member.error_code = kafka::ToWire(each[i]);
  }
  return response;
}

}  // namespace

asio::awaitable<void> HandleLeaveGroup(const Request& request, Call& call) {
  std::vector<LeaveRequest> members;
  if (call.version() < kManyFrom) {
    members.push_back({.member_id = request.member_id});
  }
  for (const auto& member : request.members) {
    members.push_back({.member_id = member.member_id, .instance_id = member.group_instance_id});
  }
  const GroupPlace place = PlaceOfGroup(call, request.group_id, EmptyGroupId::kRefused);
  auto answer = [reply = ReplyLater(call), members](ErrorCode group_error,
                                                    const std::vector<ErrorCode>& each) mutable {
    reply(ToResponse(group_error, each, members, reply.version()));
  };
  if (place.shard == nullptr) {
    answer(place.error, {});
    co_return;
  }
  place.shard->Leave(request.group_id, members, std::move(answer));
}

}  // namespace sluice::broker
