#include "broker/kafka/group_call.h"

#include "absl/strings/str_cat.h"

namespace sluice::broker {

GroupPlace PlaceOfGroup(const Call& call, const std::string& group_id, EmptyGroupId empty) {
  if (group_id.empty() && empty == EmptyGroupId::kRefused) {
    return {.shard = nullptr, .error = kafka::ErrorCode::kInvalidGroupId};
  }
  std::shared_ptr<GroupShard> shard = call.services.groups.ShardOf(group_id);
  const kafka::ErrorCode error =
      shard == nullptr ? kafka::ErrorCode::kNotCoordinator : kafka::ErrorCode::kNone;
  return {std::move(shard), error};
}

std::string ClientHost(const ConnectionInfo& connection) {
  const size_t port = connection.peer.rfind(':');
  return absl::StrCat("/", absl::string_view(connection.peer).substr(0, port));
}

}  // namespace sluice::broker
