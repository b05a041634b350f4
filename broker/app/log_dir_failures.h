// Which of log.dirs are offline, from the start or since a sync failed, and what follows: the log says so,
// and when none is left the process ends.
#pragma once

#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "proto/base/logger.h"

namespace sluice::broker {

// Thread-safe; nothing here blocks on a disk.
class LogDirFailures {
 public:
  // `end` is called when the last one fails to sync, and must not return but in tests.
  LogDirFailures(size_t log_dirs, Logger& logger, absl::AnyInvocable<void()> end);

  // It could not be opened; others can serve.
  void AtStart(const std::string& path, const absl::Status& status);
  // A sync failed, while it served or while it was opened.
  void AtSync(const std::string& path, const absl::Status& status);

  // A sync failed: the process must not end as if all were well.
  bool any_at_sync() const;
  // OK, or why nothing may be written to this directory any more.
  absl::Status Of(const std::string& path) const;

 private:
  size_t Online() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return log_dirs_ - failed_.size(); }

  const size_t log_dirs_;
  Logger& logger_;
  absl::AnyInvocable<void()> end_;

  mutable absl::Mutex mu_;
  std::map<std::string, absl::Status> failed_ ABSL_GUARDED_BY(mu_);
  bool any_at_sync_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace sluice::broker
