// Debian builds Abseil with its search for lock cycles: each Lock() of an absl::Mutex then looks into a
// graph, under one lock for all of them, for every lock that the thread holds. It is for tests, and they
// leave it on; what serves, or measures what serves, calls this first in main().
#pragma once

#include "absl/synchronization/mutex.h"

namespace sluice {

inline void LeaveOutLockChecks() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
}

}  // namespace sluice
