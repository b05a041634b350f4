#include "client/internal/coordinator.h"

#include "absl/strings/str_cat.h"
#include "client/internal/status.h"
#include "proto/kafka/gen/find_coordinator.h"

namespace sluice::client_internal {
namespace {

// One key a request, which every broker answers; from version 4 on it stands elsewhere.
constexpr int16_t kOneKey = 3;

}  // namespace

void Coordinator::Find(Found found) {
  if (node_.has_value()) {
    found(*node_);
    return;
  }
  waiting_.push_back(std::move(found));
  if (waiting_.size() == 1) {
    Ask();
  }
}

void Coordinator::Ask() {
  kafka::FindCoordinatorRequest request;
  request.key = group_id_;
  core_.Call<kafka::FindCoordinatorRequest>(
      {.target = kAnyBroker, .version_cap = kOneKey}, std::move(request), core_.request_timeout(),
      [self = shared_from_this()](const absl::StatusOr<Answer<kafka::FindCoordinatorResponse>>& answer) {
        if (!answer.ok()) {
          self->Finish(answer.status());
          return;
        }
        const kafka::FindCoordinatorResponse& response = answer->message;
        if (response.error_code != 0) {
          self->Finish(KafkaStatus(response.error_code,
                                   absl::StrCat("find the coordinator of group \"", self->group_id_, "\""),
                                   response.error_message.value_or("")));
          return;
        }
        // A broker that came a moment ago may not be in the metadata yet.
        if (!self->core_.metadata().AddressOf(response.node_id).has_value()) {
          self->core_.metadata().RefreshSoon();
        }
        self->Finish(response.node_id);
      });
}

void Coordinator::Finish(absl::StatusOr<int32_t> node) {
  if (node.ok()) {
    node_ = *node;
  }
  for (Found& found : std::exchange(waiting_, {})) {
    found(node);
  }
}

}  // namespace sluice::client_internal
