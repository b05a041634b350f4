// DescribeGroups (15): what groups are doing, and with which members.
//
//   v1 throttle time      v3 authorized operations      v4 static members      v5 flexible
//   v6 a group that is not there is GROUP_ID_NOT_FOUND; before, it is one in state Dead
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/kafka/gather.h"
#include "broker/kafka/group_call.h"
#include "broker/kafka/handlers.h"
#include "broker/kafka/reply_later.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::DescribeGroupsRequest;
using Response = kafka::DescribeGroupsResponse;

constexpr int16_t kNotFoundFrom = 6;

// The members' bytes are views into `described`.
Response::DescribedGroup ToAnswer(const DescribedGroup& described, int16_t version, bool with_operations) {
  Response::DescribedGroup answer;
  answer.group_id = described.group_id;
  answer.group_state = described.state;
  answer.protocol_type = described.protocol_type;
  answer.protocol_data = described.protocol;
  if (with_operations) {
    answer.authorized_operations = kAllGroupOperations;
  }
  const bool not_found = described.error == ErrorCode::kGroupIdNotFound;
  answer.error_code =
      kafka::ToWire(not_found && version < kNotFoundFrom ? ErrorCode::kNone : described.error);
  if (not_found && version >= kNotFoundFrom) {
    answer.error_message = absl::StrCat("there is no group \"", described.group_id, "\"");
  }
  for (const DescribedMember& kept : described.members) {
    auto& member = answer.members.emplace_back();
    member.member_id = kept.member_id;
    member.group_instance_id = kept.instance_id;
    member.client_id = kept.client_id;
    member.client_host = kept.client_host;
    member.member_metadata = AsBytes(kept.metadata);
    member.member_assignment = AsBytes(kept.assignment);
  }
  return answer;
}

}  // namespace

asio::awaitable<void> HandleDescribeGroups(const Request& request, Call& call) {
  const auto gather = Gather<DescribedGroup>::Of(
      request.groups.size(),
      [reply = ReplyLater(call), with_operations = request.include_authorized_operations](
          const std::vector<DescribedGroup>& groups) mutable {
        kafka::DescribeGroupsResponse response;
        for (const DescribedGroup& group : groups) {
          response.groups.push_back(ToAnswer(group, reply.version(), with_operations));
        }
        reply(response);
      });
  for (size_t i = 0; i < request.groups.size(); ++i) {
    const GroupPlace place = PlaceOfGroup(call, request.groups[i], EmptyGroupId::kAllowed);
    if (place.shard == nullptr) {
      gather->Part(i)({.error = place.error, .group_id = request.groups[i]});
    } else {
      place.shard->Describe(request.groups[i], gather->Part(i));
    }
  }
  co_return;
}

}  // namespace sluice::broker
