// Lets an owner stop its background tasks: whoever waits in a queue finds the gate closed, whoever is inside
// is waited for.
#pragma once

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace sluice::storage {

// Thread-safe.
class TaskGate {
 public:
  // False once closed. Each true needs a Leave().
  bool Enter() {
    absl::MutexLock lock(&mu_);
    if (closed_) {
      return false;
    }
    ++inside_;
    return true;
  }
  void Leave() {
    absl::MutexLock lock(&mu_);
    --inside_;
  }
  // Not from inside.
  void CloseAndWait() {
    absl::MutexLock lock(&mu_);
    closed_ = true;
    mu_.Await(absl::Condition(this, &TaskGate::IsEmpty));
  }

 private:
  bool IsEmpty() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return inside_ == 0; }

  absl::Mutex mu_;
  int inside_ ABSL_GUARDED_BY(mu_) = 0;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace sluice::storage
