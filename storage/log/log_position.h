// A place in a log, by offset and by byte, and a cell that shares the newest one between threads.
#pragma once

#include <atomic>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "proto/base/ids.h"

namespace sluice::storage {

// The batch with base offset `offset` starts, or will start, at byte `position` of the segment
// `segment_base`.
struct LogPosition {
  Offset offset;
  Offset segment_base;
  uint64_t position = 0;

  friend bool operator==(const LogPosition&, const LogPosition&) = default;
  // In the order in which a log is written: a later segment, or further on in the same one.
  friend bool operator<(const LogPosition& a, const LogPosition& b) {
    return a.segment_base != b.segment_base ? a.segment_base < b.segment_base : a.position < b.position;
  }
};

// One writer at a time (any number of Advance), any number of readers. The lock is held for three words'
// copying, never for a batch's.
class PositionCell {
 public:
  LogPosition Get() const {
    absl::MutexLock lock(&mu_);
    return value_;
  }
  Offset offset() const { return Offset(offset_.load(std::memory_order_acquire)); }

  // Everything stored before is visible to whoever sees the new offset.
  void Set(const LogPosition& value) {
    absl::MutexLock lock(&mu_);
    value_ = value;
    offset_.store(value.offset.value(), std::memory_order_release);
  }
  // Set, unless it stands there or further already. True when it moved.
  bool Advance(const LogPosition& value) {
    absl::MutexLock lock(&mu_);
    if (!(value_ < value)) {
      return false;
    }
    value_ = value;
    offset_.store(value.offset.value(), std::memory_order_release);
    return true;
  }

 private:
  mutable absl::Mutex mu_;
  LogPosition value_ ABSL_GUARDED_BY(mu_);
  std::atomic<int64_t> offset_{0};
};

}  // namespace sluice::storage
