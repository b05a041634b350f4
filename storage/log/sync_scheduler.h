// How appended bytes become durable, without the log knowing by which means: a sync of its segments
// (flusher.h), or a journal that all logs of the dir share (journal_scheduler.h).
#pragma once

#include <atomic>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "storage/log/journal_batch.h"
#include "storage/log/log_position.h"

namespace sluice::storage {

// A log that waits for the disk. Several threads may call it.
class SyncTarget {
 public:
  virtual ~SyncTarget() = default;

  // Puts all that was appended before into the segment files, durably. Without a journal it is published
  // then, and who waits is told; with one the journal is asked to say so first. Blocks.
  virtual absl::Status SyncNow() = 0;

  // With a journal: what was appended and is not durable yet goes into the next block, as a whole or not at
  // all.
  enum class Gathered {
    kNothing,       // There is nothing, or the log was closed.
    kTaken,         // Publish `end` once the block is durable.
    kNoRoom,        // It does not fit any more: ask again for the block after it.
    kSyncSegments,  // It is so much that syncing the segments costs less, or the log is not a synced one.
  };
  virtual Gathered Gather(const GatherLimits& limits, JournalBatch* batch, LogPosition* end) = 0;
  // Everything before `end` is durable. Tells who waits.
  virtual void PublishDurable(const LogPosition& end) = 0;
  // Begins to write what the next FlushBehind waits for. With many logs the disk then works at all of them at
  // once, and a sync finds little left to do.
  virtual void StartFlush() {}
  // SyncNow, and a checkpoint, so that the journal's blocks so far are not needed by this log any more. False
  // when the checkpoint could not be written; a failed sync is raised. Blocks.
  virtual bool FlushBehind() = 0;

  // The scheduler's own. Set while this stands in its queue, so that a busy log stands there once.
  std::atomic<bool> sync_queued{false};
  std::atomic<bool> journal_queued{false};
  bool sync_running = false;   // Guarded by the scheduler's lock: a sync of it is under way,
  bool sync_deferred = false;  // and another one was asked for meanwhile.
  bool in_journal = false;     // Guarded likewise: blocks hold bytes of it that were not flushed behind.
};

// Thread-safe.
class SyncScheduler {
 public:
  virtual ~SyncScheduler() = default;
  // Returns at once; the target becomes durable soon, by threads of the scheduler's.
  virtual void Request(std::shared_ptr<SyncTarget> target) = 0;
  // Lets what is under way end; what waits, or is asked for from now on, is never done. Before logs are
  // abandoned: a journal must not forget what an abandoned log did not flush.
  virtual void Stop() = 0;
  // Bytes are durable before they are in the segments.
  virtual bool keeps_journal() const = 0;
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
