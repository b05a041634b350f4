// Group commit: while one sync runs, everything that asks for the next one gathers behind it, so that a sync
// serves all appends, of all connections, that came during the one before.
#pragma once

#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/log/sync_scheduler.h"

namespace sluice::storage {

class Flusher final : public SyncScheduler {
 public:
  // Its threads sync different logs side by side: a disk gains from two at a time, little from more.
  explicit Flusher(int threads);
  ~Flusher() override;  // Lets running syncs end and drops those that wait.

  void Request(std::shared_ptr<SyncTarget> target) override;
  void Stop() override;
  bool keeps_journal() const override { return false; }

 private:
  void Run();
  void SyncOne() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stopping_ || !queue_.empty(); }

  absl::Mutex mu_;
  std::deque<std::shared_ptr<SyncTarget>> queue_ ABSL_GUARDED_BY(mu_);  // Shared with the log dir.
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::thread> threads_;  // Set at construction.
};

}  // namespace sluice::storage
