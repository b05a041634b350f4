// What a log can be told. The names and meanings are those of Kafka's topic configs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "proto/record/batch_format.h"

namespace sluice::storage {

// How record bytes reach the segment file.
enum class AppendMethod { kMmap, kPwrite };

// What a reader may see, and what acks=all waits for.
enum class Durability {
  kSynced,     // Only what is on the disk.
  kPageCache,  // What is in the page cache; it reaches the disk by flush.messages, flush.ms or the kernel's
               // own pace.
};

// A value: replaced as a whole when a config changes.
struct LogOptions {
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  int64_t segment_bytes = 1 << 30;
  int64_t segment_ms = 7LL * 24 * 3600 * 1000;
  int64_t segment_jitter_ms = 0;                  // Segments are rolled by age up to so much earlier.
  int64_t retention_bytes = -1;                   // -1: no limit.
  int64_t retention_ms = 7LL * 24 * 3600 * 1000;  // -1: no limit.
  int64_t index_interval_bytes = 4096;
  int64_t flush_messages = kNever;
  int64_t flush_ms = kNever;
  int64_t file_delete_delay_ms = 60'000;
  record::TimestampType timestamp_type = record::TimestampType::kCreateTime;
  Durability durability = Durability::kSynced;
  AppendMethod append_method = AppendMethod::kMmap;
  int64_t map_from_bytes = 0;  // kMmap: what a log appends between two syncs, at least, before it is mapped.
  bool cleanup_delete = true;  // Retention by time and size.
  bool cleanup_compact = false;  // The newest record of each key stays.
  int64_t delete_retention_ms = 24LL * 3600 * 1000;
  int64_t min_compaction_lag_ms = 0;
  int64_t max_compaction_lag_ms = kNever;
  double min_cleanable_dirty_ratio = 0.5;

  // A record that must be compacted in time must leave the active segment in time.
  int64_t roll_ms() const {
    return cleanup_compact ? std::min(segment_ms, max_compaction_lag_ms) : segment_ms;
  }
};

}  // namespace sluice::storage
