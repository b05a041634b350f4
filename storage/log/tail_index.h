// The newest index entries, in memory: what the log's hot end is searched by, and what the offset index has
// not been given yet.
//
//   entries   [ written to the index, still kept | pending ]
//
// A few thousand entries of 24 bytes at most, so that idle partitions cost little. Thread-safe: appends add,
// readers search, the disk pool writes out.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/index/offset_index.h"

namespace sluice::storage {

class TailIndex {
 public:
  // As many entries wait before it is worth writing them: RocksDB takes a batch of hundreds at 1 us a key.
  static constexpr size_t kPendingWanted = 512;
  // As many stay for readers once written.
  static constexpr size_t kKept = 1024;
  // More wait only when the index cannot be written; then the oldest are forgotten, and readers walk further.
  static constexpr size_t kPendingMax = 65'536;

  // `begin` is where appends go on: from there on memory knows every entry. It is not pending.
  explicit TailIndex(const OffsetEntry& begin) : offsets_{begin}, written_(1) {}

  // Ascending. Returns true when enough is pending.
  bool Add(const OffsetEntry& entry);
  void AddTime(const TimeEntry& entry);

  // Entries before `begin`, where a batch starts, are forgotten, also those that the index lacks: their
  // segments were rewritten.
  void ForgetBefore(const OffsetEntry& begin);

  // The last entry at or before `offset`. Empty when memory does not reach back so far.
  std::optional<OffsetEntry> Find(Offset offset) const;
  // The last entry of segment `segment_base` at or before byte `position` whose offset is not above `limit`.
  std::optional<OffsetEntry> FindBoundary(Offset segment_base, uint64_t position, Offset limit) const;

  // What the index lacks. Once it is written, MarkWritten() the same.
  IndexUpdate Pending() const;
  void MarkWritten(const IndexUpdate& update);

 private:
  mutable absl::Mutex mu_;
  std::vector<OffsetEntry> offsets_ ABSL_GUARDED_BY(mu_);
  size_t written_ ABSL_GUARDED_BY(mu_);  // As many of offsets_, from the front.
  std::vector<TimeEntry> times_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sluice::storage
