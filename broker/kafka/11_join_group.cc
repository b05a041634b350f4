// JoinGroup (11): a member enters a classic group, or comes back to its rebalance.
//
//   v0 the rebalance timeout is the session's      v4 a new member is told its id first (KIP-394)      v5
//   static members v6 flexible      v7 the protocol's type in the answer      v8 a reason      v9
//   skip_assignment (KIP-814)
//
// The answer comes when the rebalance is through, which may take as long as the slowest member's rebalance
// timeout.
#include <utility>

#include "broker/kafka/group_call.h"
#include "broker/kafka/handlers.h"
#include "broker/kafka/reply_later.h"

namespace sluice::broker {
namespace {

using Request = kafka::JoinGroupRequest;
using Response = kafka::JoinGroupResponse;

constexpr int16_t kMemberIdRequiredFrom = 4;
constexpr int16_t kNullProtocolFrom = 7;
constexpr int16_t kSkipAssignmentFrom = 9;

JoinRequest ToJoin(const Request& request, const Call& call) {
  JoinRequest join{
      .member_id = request.member_id,
      .instance_id = request.group_instance_id,
      .client_id = call.state.client_id,
      .client_host = ClientHost(call.connection),
      .session_timeout_ms = request.session_timeout_ms,
      .rebalance_timeout_ms = call.version() == 0 ? request.session_timeout_ms : request.rebalance_timeout_ms,
      .protocol_type = request.protocol_type,
      .must_know_its_id = call.version() >= kMemberIdRequiredFrom,
      .can_skip_assignment = call.version() >= kSkipAssignmentFrom};
  if (request.member_id.empty()) {
    join.new_member_id =
        call.services.groups.NewMemberId(request.group_instance_id.value_or(call.state.client_id));
  }
  for (const auto& protocol : request.protocols) {
    join.protocols.push_back({protocol.name, std::string(AsText(protocol.metadata))});
  }
  return join;
}

// The members' bytes are views into `answer`.
Response ToResponse(const JoinAnswer& answer, int16_t version) {
  Response response;
  response.error_code = kafka::ToWire(answer.error);
  response.generation_id = answer.generation;
  response.protocol_type = answer.protocol_type;
  response.protocol_name = answer.protocol;
  if (!response.protocol_name && version < kNullProtocolFrom) {
    response.protocol_name = "";
  }
  response.leader = answer.leader;
  response.skip_assignment = answer.skip_assignment;
  response.member_id = answer.member_id;
  for (const JoinedMember& joined : answer.members) {
    auto& member = response.members.emplace_back();
    member.member_id = joined.member_id;
    member.group_instance_id = joined.instance_id;
    member.metadata = AsBytes(joined.metadata);
  }
  return response;
}

}  // namespace

asio::awaitable<void> HandleJoinGroup(const Request& request, Call& call) {
  const JoinRequest join = ToJoin(request, call);
  const GroupPlace place = PlaceOfGroup(call, request.group_id, EmptyGroupId::kRefused);
  auto answer = [reply = ReplyLater(call)](const JoinAnswer& joined) mutable {
    reply(ToResponse(joined, reply.version()));
  };
  if (place.shard == nullptr) {
    JoinAnswer refusal;
    refusal.error = place.error;
    refusal.member_id = request.member_id;
    answer(refusal);
    co_return;
  }
  place.shard->Join(request.group_id, join, std::move(answer));
}

}  // namespace sluice::broker
