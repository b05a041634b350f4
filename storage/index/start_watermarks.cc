#include "storage/index/start_watermarks.h"

namespace sluice::storage {

Offset StartWatermarks::StartOf(const LogId& log) const {
  absl::ReaderMutexLock lock(&mu_);
  const auto found = starts_.find(log);
  return found == starts_.end() ? Offset(0) : found->second;
}

bool StartWatermarks::Raise(const LogId& log, Offset start) {
  absl::MutexLock lock(&mu_);
  Offset& current = starts_[log];
  if (start <= current) {
    return false;
  }
  current = start;
  return true;
}

void StartWatermarks::Forget(const LogId& log) {
  absl::MutexLock lock(&mu_);
  starts_.erase(log);
}

std::vector<LogId> StartWatermarks::DroppedLogs() const {
  absl::ReaderMutexLock lock(&mu_);
  std::vector<LogId> dropped;
  for (const auto& [log, start] : starts_) {
    if (start == kDroppedLog) {
      dropped.push_back(log);
    }
  }
  return dropped;
}

}  // namespace sluice::storage
