#include "broker/app/log_dir_failures.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace sluice::broker {

LogDirFailures::LogDirFailures(size_t log_dirs, Logger& logger, absl::AnyInvocable<void()> end)
    : log_dirs_(log_dirs), logger_(logger), end_(std::move(end)) {}

void LogDirFailures::AtStart(const std::string& path, const absl::Status& status) {
  absl::MutexLock lock(&mu_);
  failed_.try_emplace(path, status);
  logger_.Error("log",
                absl::StrCat("log dir ", path, " could not be opened and is offline, with all partitions ",
                             "in it: ", status.message(), "; ", Online(), " of ", log_dirs_,
                             " log dirs serve. Bring the disk back, then start the broker again"));
}

void LogDirFailures::AtSync(const std::string& path, const absl::Status& status) {
  absl::MutexLock lock(&mu_);
  failed_.try_emplace(path, status);
  any_at_sync_ = true;
  const std::string what =
      absl::StrCat("log dir ", path, ": a sync failed, so it is offline: nothing in it is ",
                   "acknowledged or served any more: ", status.message());
  if (Online() == 0) {
    logger_.Error("log",
                  absl::StrCat(what, "; no log dir is left: stopping. Check the disk, then start again"));
    end_();
    return;
  }
  logger_.Error("log",
                absl::StrCat(what, "; ", Online(), " of ", log_dirs_, " log dirs go on serving. Check the ",
                             "disk, then restart the broker to bring the partitions back"));
}

bool LogDirFailures::any_at_sync() const {
  absl::MutexLock lock(&mu_);
  return any_at_sync_;
}

absl::Status LogDirFailures::Of(const std::string& path) const {
  absl::MutexLock lock(&mu_);
  const auto found = failed_.find(path);
  return found == failed_.end() ? absl::OkStatus() : found->second;
}

}  // namespace sluice::broker
