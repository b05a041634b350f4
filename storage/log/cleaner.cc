#include "storage/log/cleaner.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/base/random.h"

namespace sluice::storage {
namespace {

// How long a log that is being closed may wait for the cleaner to notice.
constexpr absl::Duration kStep = absl::Milliseconds(50);

SipHashKey NewHashKey() {
  Random random = Random::FromSystem();
  return {random.Next(), random.Next()};
}

}  // namespace

LogCleaner::LogCleaner(const CleanerOptions& options, Clock& clock, Callbacks callbacks)
    : options_(options),
      clock_(clock),
      callbacks_(std::move(callbacks)),
      hash_key_(NewHashKey()),
      throttle_(options.bytes_per_second_max) {}

void LogCleaner::Start() {
  if (!options_.enabled) {
    return;
  }
  for (int i = 0; i < options_.threads; ++i) {
    threads_.emplace_back([this] { Run(); });
  }
}

void LogCleaner::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) {
    thread.join();
  }
  threads_.clear();
}

bool LogCleaner::stopping() const {
  absl::MutexLock lock(&mu_);
  return stopping_;
}

void LogCleaner::Run() {
  while (!stopping()) {
    CleanAll();
    Wait(absl::Milliseconds(options_.backoff_ms), [] { return false; });
  }
}

size_t LogCleaner::CleanAll() {
  size_t count = 0;
  while (options_.enabled && !stopping()) {
    const LogPtr log = TakeDirtiest();
    if (log == nullptr) {
      break;
    }
    Clean(*log);
    ++count;
  }
  return count;
}

// Returns early when the cleaner or the log stops.
void LogCleaner::Wait(absl::Duration wait, absl::FunctionRef<bool()> stop) {
  absl::MutexLock lock(&mu_);
  while (wait > absl::ZeroDuration() && !stopping_ && !stop()) {
    const absl::Duration step = std::min(wait, kStep);
    mu_.AwaitWithTimeout(absl::Condition(&stopping_), step);
    wait -= step;
  }
}

bool LogCleaner::MayTry(const LogId& id) const {
  absl::MutexLock lock(&mu_);
  const auto found = not_before_.find(id);
  return !busy_.contains(id) && !left_alone_.contains(id) &&
         (found == not_before_.end() || found->second <= clock_.Monotonic());
}

// Logs are asked without the lock: the answer may take a read.
LogCleaner::LogPtr LogCleaner::TakeDirtiest() {
  LogPtr best;
  double best_ratio = -1;
  for (LogPtr& log : callbacks_.logs()) {
    if (!MayTry(log->id())) {
      continue;
    }
    const CompactionPlan plan = log->PlanCompaction();
    if (plan.due && plan.dirty_ratio > best_ratio) {
      best_ratio = plan.dirty_ratio;
      best = std::move(log);
    }
  }
  if (best != nullptr) {
    absl::MutexLock lock(&mu_);
    if (!busy_.insert(best->id()).second) {  // Another thread was faster; it looks for the next one.
      return nullptr;
    }
  }
  return best;
}

void LogCleaner::Clean(PartitionLog& log) {
  const auto pace = [this](uint64_t bytes, absl::FunctionRef<bool()> stop) {
    const absl::Duration wait = throttle_.Take(bytes, clock_.Monotonic());
    if (wait > absl::ZeroDuration()) {
      Wait(wait, stop);
    }
  };
  const absl::StatusOr<CompactionReport> report =
      log.Compact({.map_bytes_max = options_.map_bytes / static_cast<uint64_t>(std::max(1, options_.threads)),
                   .hash_key = hash_key_,
                   .pace = pace,
                   .stop = [this] { return stopping(); }});
  Finish(log, report);
}

void LogCleaner::Finish(const PartitionLog& log, const absl::StatusOr<CompactionReport>& report) {
  const absl::Status& status = report.status();
  const bool ended =
      absl::IsCancelled(status) || absl::IsAborted(status) || absl::IsFailedPrecondition(status);
  {
    absl::MutexLock lock(&mu_);
    busy_.erase(log.id());
    not_before_.erase(log.id());
    if (report.ok()) {
      ++stats_.runs;
      stats_.bytes_before += report->bytes_before;
      stats_.bytes_after += report->bytes_after;
      stats_.records_removed += report->records_read - report->records_kept;
    } else {
      not_before_[log.id()] =
          clock_.Monotonic() + absl::Milliseconds(std::max<int64_t>(options_.backoff_ms, 1));
      stats_.failures += ended ? 0 : 1;
      if (!ended && !absl::IsResourceExhausted(status)) {
        left_alone_.insert(log.id());
      }
    }
    stats_.logs_left_alone = left_alone_.size();
  }
  if (!report.ok() && !ended) {
    callbacks_.on_warning(absl::StrCat("compacting ", log.directory(), " failed: ", status.message(),
                                       absl::IsResourceExhausted(status)
                                           ? "; it is tried again"
                                           : "; this log is left as it is until the next start"));
  }
}

CleanerStats LogCleaner::stats() const {
  absl::MutexLock lock(&mu_);
  return stats_;
}

}  // namespace sluice::storage
