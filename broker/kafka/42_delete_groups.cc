// DeleteGroups (42): groups without members go away, with their offsets.
//
//   v1 throttle time      v2 flexible      v3 an error has a message
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/kafka/gather.h"
#include "broker/kafka/group_call.h"
#include "broker/kafka/handlers.h"
#include "broker/kafka/reply_later.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;

std::optional<std::string> MessageOf(ErrorCode error, const std::string& group_id) {
  switch (error) {
    case ErrorCode::kNonEmptyGroup:
      return absl::StrCat("group \"", group_id, "\" has members; stop them first");
    case ErrorCode::kGroupIdNotFound:
      return absl::StrCat("there is no group \"", group_id, "\"");
    default:
      return std::nullopt;
  }
}

}  // namespace

asio::awaitable<void> HandleDeleteGroups(const kafka::DeleteGroupsRequest& request, Call& call) {
  const std::vector<std::string>& names = request.groups_names;
  const auto gather = Gather<ErrorCode>::Of(
      names.size(), [reply = ReplyLater(call), names](const std::vector<ErrorCode>& errors) mutable {
        kafka::DeleteGroupsResponse response;
        for (size_t i = 0; i < errors.size(); ++i) {
          auto& result = response.results.emplace_back();
          result.group_id = names[i];
          result.error_code = kafka::ToWire(errors[i]);
          result.error_message = MessageOf(errors[i], names[i]);
        }
        reply(response);
      });
  for (size_t i = 0; i < names.size(); ++i) {
    const GroupPlace place = PlaceOfGroup(call, names[i], EmptyGroupId::kAllowed);
    if (place.shard == nullptr) {
      gather->Part(i)(place.error);
    } else {
      place.shard->DeleteGroup(names[i], gather->Part(i));
    }
  }
  co_return;
}

}  // namespace sluice::broker
