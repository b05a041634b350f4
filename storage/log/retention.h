// Which segments a log may let go: pure policy, values and the time in, a decision out.
#pragma once

#include <cstdint>
#include <vector>

#include "proto/base/ids.h"

namespace sluice::storage {

struct SegmentSummary {
  Offset base_offset;
  Offset next_offset;
  uint64_t size_bytes = 0;
  int64_t newest_ms = -1;  // Its newest record's time. -1: not known, it does not expire by age.
};

struct RetentionRules {
  int64_t retention_ms = -1;     // -1: no limit.
  int64_t retention_bytes = -1;  // -1: no limit.
};

struct RetentionDecision {
  size_t drop_count = 0;     // So many segments, from the oldest on, go.
  bool roll_active = false;  // The last segment has expired too: seal it, it goes with the next round.

  friend bool operator==(const RetentionDecision&, const RetentionDecision&) = default;
};

// `segments` ascend; the last is the active one and stays whatever its age. As in Kafka: a segment expires
// when its newest record does, and by size goes while the rest would still hold `retention_bytes`.
RetentionDecision DecideRetention(const std::vector<SegmentSummary>& segments, const RetentionRules& rules,
                                  int64_t now_ms);

}  // namespace sluice::storage
