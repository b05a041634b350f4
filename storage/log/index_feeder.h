// Decides which batches get index entries, the same when they are appended and when they are walked over
// again in recovery: an offset entry each `interval` bytes, and there a time entry if the largest timestamp
// grew. A value; whoever owns it guards it.
#pragma once

#include <cstdint>
#include <optional>

#include "proto/record/batch_format.h"
#include "storage/index/offset_index.h"

namespace sluice::storage {

class IndexFeeder {
 public:
  struct Entries {
    std::optional<OffsetEntry> offset;
    std::optional<TimeEntry> time;
  };

  explicit IndexFeeder(int64_t max_timestamp_ms = record::kNoTimestamp)
      : max_timestamp_ms_(max_timestamp_ms), indexed_timestamp_ms_(max_timestamp_ms) {}

  // A batch of `size_bytes` stands at `at`.
  Entries Add(const OffsetEntry& at, uint64_t size_bytes, int64_t timestamp_ms, int64_t interval_bytes) {
    Entries entries;
    if (timestamp_ms > max_timestamp_ms_) {
      max_timestamp_ms_ = timestamp_ms;
      max_reached_at_ = at.offset;
    }
    if (bytes_since_entry_ >= static_cast<uint64_t>(interval_bytes)) {
      bytes_since_entry_ = 0;
      entries.offset = at;
      if (max_timestamp_ms_ > indexed_timestamp_ms_) {
        indexed_timestamp_ms_ = max_timestamp_ms_;
        entries.time = TimeEntry{max_timestamp_ms_, max_reached_at_};
      }
    }
    bytes_since_entry_ += size_bytes;
    return entries;
  }

  int64_t max_timestamp_ms() const { return max_timestamp_ms_; }

 private:
  uint64_t bytes_since_entry_ = 0;
  int64_t max_timestamp_ms_;      // Of all records of the log...
  Offset max_reached_at_;         // ... first seen in this batch...
  int64_t indexed_timestamp_ms_;  // ... and as the time index knows it.
};

}  // namespace sluice::storage
