// Blocking calls for the admin: post to the loop, wait, try again what a moment may heal.
#pragma once

#include <utility>

#include "absl/synchronization/notification.h"
#include "client/internal/core.h"
#include "client/internal/status.h"

namespace sluice::client_internal {

inline constexpr int kAdminAttempts = 5;
inline constexpr absl::Duration kAdminBackoff = absl::Milliseconds(50);

template <class Request>
absl::StatusOr<Answer<typename Request::Response>> CallOnce(Core& core, int32_t target,
                                                            const Request& request, int16_t version_cap) {
  absl::StatusOr<Answer<typename Request::Response>> result;
  absl::Notification done;
  core.loop().Post([&] {
    core.Call<Request>({.target = target, .version_cap = version_cap}, request, core.request_timeout(),
                       [&](absl::StatusOr<Answer<typename Request::Response>> answer) {
                         result = std::move(answer);
                         done.Notify();
                       });
  });
  done.WaitForNotification();
  return result;
}

inline absl::Status RefreshMetadata(Core& core) {
  absl::Status status;
  absl::Notification done;
  core.loop().Post([&] {
    core.metadata().Refresh([&](const absl::Status& refreshed) {
      status = refreshed;
      done.Notify();
    });
  });
  done.WaitForNotification();
  return status;
}

// `is_misdirected(response)`: the broker says that another one is the controller. A few attempts, each with
// fresh metadata, some seconds in all at most when brokers refuse connections.
template <class Request, class IsMisdirected>
absl::StatusOr<Answer<typename Request::Response>> CallWithRetries(
    Core& core, int32_t target, const Request& request, IsMisdirected is_misdirected,
    int16_t version_cap = std::numeric_limits<int16_t>::max()) {
  for (int attempt = 1;; ++attempt) {
    auto answer = CallOnce(core, target, request, version_cap);
    const bool retry = answer.ok() ? is_misdirected(answer->message) : absl::IsUnavailable(answer.status());
    if (!retry || attempt == kAdminAttempts) {
      return answer;
    }
    absl::SleepFor(kAdminBackoff * (1 << attempt));
    (void)RefreshMetadata(core);  // Its failure shows in the next attempt.
  }
}

// The highest version of a request that some broker of the cluster and this library both know; -1 when none
// answers. For the few requests whose fields differ by more than the codec can smooth over.
inline int16_t CommonVersion(Core& core, int16_t api_key) {
  int16_t version = -1;
  absl::Notification done;
  core.loop().Post([&] {
    core.Acquire(kControlChannel, kAnyBroker,
                 [&](const absl::StatusOr<std::shared_ptr<Connection>>& connection) {
                   version = connection.ok() ? (*connection)->Negotiate(api_key).value_or(-1) : int16_t{-1};
                   done.Notify();
                 });
  });
  done.WaitForNotification();
  return version;
}

inline bool IsNotController(int16_t code) {
  return code == kafka::ToWire(kafka::ErrorCode::kNotController);
}

}  // namespace sluice::client_internal
