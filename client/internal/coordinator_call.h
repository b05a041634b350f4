// Blocking calls to the coordinator of a group, for the admin: look up, ask, try again what a moment may
// heal.
#pragma once

#include <memory>
#include <string>

#include "client/internal/admin_call.h"
#include "client/internal/coordinator.h"
#include "client/internal/group_state.h"

namespace sluice::client_internal {

// More than other calls are given: the coordinator of the first group of all is there when its topic has been
// made.
inline constexpr int kCoordinatorAttempts = 8;

// `code_of(response)`: the code that speaks for the whole answer. `node`, if given: who answered.
template <class Request, class CodeOf>
absl::StatusOr<Answer<typename Request::Response>> CallCoordinator(
    Core& core, const std::string& group_id, const Request& request, CodeOf code_of,
    int16_t version_cap = std::numeric_limits<int16_t>::max(), int32_t* node = nullptr) {
  const auto coordinator = std::make_shared<Coordinator>(core, group_id);
  for (int attempt = 1;; ++attempt) {
    absl::StatusOr<Answer<typename Request::Response>> result;
    absl::Notification done;
    core.loop().Post([&] {
      coordinator->Call<Request>({.version_cap = version_cap}, request, core.request_timeout(),
                                 [&](absl::StatusOr<Answer<typename Request::Response>> answer) {
                                   result = std::move(answer);
                                   if (node != nullptr) {
                                     *node = coordinator->node().value_or(-1);
                                   }
                                   done.Notify();
                                 });
    });
    done.WaitForNotification();
    bool retry = absl::IsUnavailable(result.status());
    if (result.ok()) {
      const GroupEffect effect = EffectOf(static_cast<kafka::ErrorCode>(code_of(result->message)));
      retry = effect == GroupEffect::kRetry || effect == GroupEffect::kLookUp;
    }
    if (!retry || attempt == kCoordinatorAttempts) {
      return result;
    }
    absl::SleepFor(kAdminBackoff * (1 << std::min(attempt, 4)));
    core.loop().RunSync([&] { coordinator->Forget(); });
    (void)RefreshMetadata(core);  // Its failure shows in the next attempt.
  }
}

}  // namespace sluice::client_internal
