// From which offset on each log is still there. What lies below is hidden from readers at once and left out
// of the files by the next compaction that meets it.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "proto/base/ids.h"
#include "storage/index/log_id.h"

namespace sluice::storage {

// The start of a log of which nothing is left.
inline constexpr Offset kDroppedLog{std::numeric_limits<int64_t>::max()};

// Thread-safe: read by lookups and by RocksDB's compaction threads.
class StartWatermarks {
 public:
  // 0 for a log that never dropped anything.
  Offset StartOf(const LogId& log) const;
  // A start never goes back. False: it was there already.
  bool Raise(const LogId& log, Offset start);
  void Forget(const LogId& log);
  std::vector<LogId> DroppedLogs() const;

 private:
  mutable absl::Mutex mu_;
  absl::flat_hash_map<LogId, Offset> starts_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sluice::storage
