// What of a log compaction is to clean, and whether it is time: pure policy, values and the time in, a plan
// out.
//
//   | clean | clean | dirty | dirty | too young | active |
//                   ^ first_dirty   ^ end        dirty ratio = dirty bytes / (clean + dirty bytes)
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "proto/base/ids.h"
#include "storage/log/log_options.h"

namespace sluice::storage {

// A sealed segment of which everything is on the disk.
struct CompactionSegment {
  Offset base_offset;
  Offset next_offset;
  uint64_t size_bytes = 0;
  int64_t newest_ms = -1;  // Its newest record's time; -1: not known.
};

struct CompactionRules {
  double dirty_ratio_min = 0.5;
  int64_t lag_ms_min = 0;                   // Younger records are not touched.
  int64_t lag_ms_max = LogOptions::kNever;  // Older records do not wait for the ratio.
};

struct CompactionPlan {
  size_t segment_count = 0;  // So many, from the oldest on, are rewritten.
  Offset first_dirty;        // What lies below was cleaned before.
  Offset end;                // Where the last of these segments ends.
  double dirty_ratio = 0;
  bool due = false;

  bool has_work() const { return segment_count > 0 && first_dirty < end; }
};

// `segments` ascend, without the active one.
CompactionPlan PlanCompaction(std::span<const CompactionSegment> segments, Offset first_dirty,
                              const CompactionRules& rules, int64_t now_ms);
// Whether records that were not cleaned for lag_ms_max are waiting. `oldest_ms`: the time of the first dirty
// record, -1 when it tells none.
bool IsOverdue(const CompactionPlan& plan, const CompactionRules& rules, int64_t oldest_ms, int64_t now_ms);

// Neighbours that become one segment: together they fit `segment_bytes` as they are now, and offsets within
// 31 bits, as Kafka's tools count them. Each group is a run of indices [first, first + count).
struct SegmentGroup {
  size_t first = 0;
  size_t count = 0;

  friend bool operator==(const SegmentGroup&, const SegmentGroup&) = default;
};
std::vector<SegmentGroup> GroupSegments(std::span<const CompactionSegment> segments, uint64_t segment_bytes);

}  // namespace sluice::storage
