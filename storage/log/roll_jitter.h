// segment.jitter.ms: how much earlier than segment.ms a segment is rolled by age. As spread as a random
// number, but the same as long as the process lives: made of the log's id and the segment's base offset.
#pragma once

#include <algorithm>
#include <cstdint>

#include "absl/hash/hash.h"
#include "proto/base/ids.h"
#include "storage/index/log_id.h"
#include "storage/log/log_options.h"

namespace sluice::storage {

// From 0 to below both segment_jitter_ms and roll_ms().
inline int64_t RollJitterMs(const LogId& id, Offset segment_base, const LogOptions& options) {
  const int64_t limit = std::min(options.segment_jitter_ms, options.roll_ms());
  if (limit <= 0) {
    return 0;
  }
  const size_t hash = absl::HashOf(id, segment_base.value());
  return static_cast<int64_t>(hash % static_cast<uint64_t>(limit));
}

}  // namespace sluice::storage
