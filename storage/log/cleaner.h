// Compacts the logs of a log dir in the background, the dirtiest first, within a memory and a rate that all
// of it shares. A log that cannot be compacted is told of, counted and left alone until the next start; the
// others go on. A full disk is no such reason: it is tried again.
//
// Threads: its own, between Start() and Stop(); without them, CleanAll() does the same in the caller's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "proto/base/clock.h"
#include "storage/log/cleaner_options.h"
#include "storage/log/partition_log.h"
#include "storage/log/throttle.h"

namespace sluice::storage {

class LogCleaner {
 public:
  struct Callbacks {
    std::function<std::vector<std::shared_ptr<PartitionLog>>()> logs;  // All there are now.
    std::function<void(const std::string&)> on_warning;
  };
  LogCleaner(const CleanerOptions& options, Clock& clock, Callbacks callbacks);
  ~LogCleaner() { Stop(); }

  void Start();
  // Ends what is under way, between two batches. For good.
  void Stop();

  // Cleans logs until none is due; returns how many it tried.
  size_t CleanAll();
  CleanerStats stats() const;

 private:
  using LogPtr = std::shared_ptr<PartitionLog>;  // Shared with the log dir: the log may be deleted meanwhile.

  void Run();
  void Clean(PartitionLog& log);
  // Null: none is due.
  LogPtr TakeDirtiest();
  bool MayTry(const LogId& id) const;
  void Finish(const PartitionLog& log, const absl::StatusOr<CompactionReport>& report);
  void Wait(absl::Duration wait, absl::FunctionRef<bool()> stop);
  bool stopping() const;

  // Set at construction.
  const CleanerOptions options_;
  Clock& clock_;
  const Callbacks callbacks_;
  const SipHashKey hash_key_;
  Throttle throttle_;
  std::vector<std::thread> threads_;  // By Start and Stop only.

  mutable absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  absl::flat_hash_set<LogId> busy_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_set<LogId> left_alone_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<LogId, absl::Duration> not_before_ ABSL_GUARDED_BY(mu_);  // By the monotonic clock.
  CleanerStats stats_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sluice::storage
