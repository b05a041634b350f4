// How appended bytes become durable, without the log knowing by which means: today one sync per log and round
// (flusher.h); a journal shared by all logs can stand here as well.
#pragma once

#include <atomic>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace sluice::storage {

// Something that waits for the disk. Implementations make all that was appended before SyncNow() durable,
// publish it and tell who waits. SyncNow may block; several threads may call it.
class SyncTarget {
 public:
  virtual ~SyncTarget() = default;
  virtual absl::Status SyncNow() = 0;

  // The scheduler's. Set while this stands in its queue, so that a busy log stands there once.
  std::atomic<bool> sync_queued{false};
  bool sync_running = false;   // Guarded by the scheduler's lock: a sync of it is under way,
  bool sync_deferred = false;  // and another one was asked for meanwhile.
};

// Thread-safe.
class SyncScheduler {
 public:
  virtual ~SyncScheduler() = default;
  // Returns at once; SyncNow is called soon, by a thread of the scheduler's.
  virtual void Request(std::shared_ptr<SyncTarget> target) = 0;
};

// Whether a sync of this log dir ever failed. After that nothing here is durable any more: the kernel may
// have dropped the dirty pages, and a second try would report success for bytes that are lost. Thread-safe.
class SyncFailure {
 public:
  // `on_fatal` hears of the first failure only.
  using Listener = absl::AnyInvocable<void(absl::Status) const>;
  explicit SyncFailure(Listener on_fatal) : on_fatal_(std::move(on_fatal)) {}

  bool raised() const { return raised_.load(std::memory_order_acquire); }
  absl::Status status() const {
    absl::MutexLock lock(&mu_);
    return status_;
  }
  void Raise(const absl::Status& status) {
    {
      absl::MutexLock lock(&mu_);
      if (!status_.ok()) {
        return;
      }
      status_ = status;
      raised_.store(true, std::memory_order_release);
    }
    if (on_fatal_) {
      on_fatal_(status);
    }
  }

 private:
  const Listener on_fatal_;
  std::atomic<bool> raised_{false};
  mutable absl::Mutex mu_;
  absl::Status status_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sluice::storage
