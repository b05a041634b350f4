// ListGroups (16): every group of this coordinator.
//
//   v1 throttle time      v3 flexible      v4 states, in the answer and to choose by      v5 types, likewise
#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "broker/kafka/gather.h"
#include "broker/kafka/group_call.h"
#include "broker/kafka/handlers.h"
#include "broker/kafka/reply_later.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::ListGroupsRequest;
using Response = kafka::ListGroupsResponse;
using OfShard = std::pair<ErrorCode, std::vector<ListedGroup>>;

// An empty filter lets everything through; letter case does not matter, as in Kafka.
bool Passes(const std::vector<std::string>& filter, const std::string& value) {
  return filter.empty() || std::any_of(filter.begin(), filter.end(), [&value](const std::string& wanted) {
           return absl::EqualsIgnoreCase(wanted, value);
         });
}

Response ToResponse(const Request& request, const std::vector<OfShard>& shards) {
  Response response;
  for (const auto& [error, groups] : shards) {
    if (error != ErrorCode::kNone) {
      response.error_code = kafka::ToWire(error);
    }
    for (const ListedGroup& group : groups) {
      if (Passes(request.states_filter, group.state) && Passes(request.types_filter, group.type)) {
        auto& listed = response.groups.emplace_back();
        listed.group_id = group.group_id;
        listed.protocol_type = group.protocol_type;
        listed.group_state = group.state;
        listed.group_type = group.type;
      }
    }
  }
  return response;
}

}  // namespace

asio::awaitable<void> HandleListGroups(const Request& request, Call& call) {
  const std::vector<std::shared_ptr<GroupShard>> shards = call.services.groups.Shards();
  const auto gather = Gather<OfShard>::Of(
      shards.size(), [reply = ReplyLater(call), request](const std::vector<OfShard>& listed) mutable {
        reply(ToResponse(request, listed));
      });
  for (size_t i = 0; i < shards.size(); ++i) {
    shards[i]->List([part = gather->Part(i)](ErrorCode error, std::vector<ListedGroup> groups) mutable {
      part({error, std::move(groups)});
    });
  }
  co_return;
}

}  // namespace sluice::broker
