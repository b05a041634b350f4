#include "storage/log/compaction_plan.h"

#include <algorithm>
#include <limits>

namespace sluice::storage {
namespace {

constexpr int64_t kOffsetsPerSegmentMax = std::numeric_limits<int32_t>::max();

bool IsTooYoung(const CompactionSegment& segment, const CompactionRules& rules, int64_t now_ms) {
  return rules.lag_ms_min > 0 && segment.newest_ms >= 0 && segment.newest_ms > now_ms - rules.lag_ms_min;
}

}  // namespace

CompactionPlan PlanCompaction(std::span<const CompactionSegment> segments, Offset first_dirty,
                              const CompactionRules& rules, int64_t now_ms) {
  CompactionPlan plan;
  if (segments.empty()) {
    return plan;
  }
  plan.first_dirty = std::max(first_dirty, segments.front().base_offset);
  plan.end = segments.front().base_offset;
  uint64_t clean_bytes = 0;
  uint64_t dirty_bytes = 0;
  for (const CompactionSegment& segment : segments) {
    const bool clean = segment.next_offset <= plan.first_dirty;
    if (!clean && IsTooYoung(segment, rules, now_ms)) {
      break;
    }
    (clean ? clean_bytes : dirty_bytes) += segment.size_bytes;
    ++plan.segment_count;
    plan.end = segment.next_offset;
  }
  if (dirty_bytes > 0) {
    plan.dirty_ratio = static_cast<double>(dirty_bytes) / static_cast<double>(clean_bytes + dirty_bytes);
    plan.due = plan.dirty_ratio >= rules.dirty_ratio_min;
  }
  return plan;
}

bool IsOverdue(const CompactionPlan& plan, const CompactionRules& rules, int64_t oldest_ms, int64_t now_ms) {
  return plan.has_work() && rules.lag_ms_max != LogOptions::kNever && oldest_ms >= 0 &&
         now_ms - oldest_ms > rules.lag_ms_max;
}

std::vector<SegmentGroup> GroupSegments(std::span<const CompactionSegment> segments, uint64_t segment_bytes) {
  std::vector<SegmentGroup> groups;
  uint64_t bytes = 0;
  for (size_t i = 0; i < segments.size(); ++i) {
    const bool fits =
        !groups.empty() && bytes + segments[i].size_bytes <= segment_bytes &&
        segments[i].next_offset - segments[groups.back().first].base_offset <= kOffsetsPerSegmentMax;
    if (fits) {
      ++groups.back().count;
      bytes += segments[i].size_bytes;
    } else {
      groups.push_back({i, 1});
      bytes = segments[i].size_bytes;
    }
  }
  return groups;
}

}  // namespace sluice::storage
