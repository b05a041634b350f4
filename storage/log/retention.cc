#include "storage/log/retention.h"

#include <algorithm>
#include <numeric>

namespace sluice::storage {
namespace {

bool IsExpired(const SegmentSummary& segment, const RetentionRules& rules, int64_t now_ms) {
  return rules.retention_ms >= 0 && segment.newest_ms >= 0 && now_ms - segment.newest_ms > rules.retention_ms;
}

size_t CountExpired(const std::vector<SegmentSummary>& segments, const RetentionRules& rules,
                    int64_t now_ms) {
  size_t count = 0;
  while (count < segments.size() && IsExpired(segments[count], rules, now_ms)) {
    ++count;
  }
  return count;
}

size_t CountSurplus(const std::vector<SegmentSummary>& segments, const RetentionRules& rules) {
  if (rules.retention_bytes < 0) {
    return 0;
  }
  uint64_t total =
      std::accumulate(segments.begin(), segments.end(), uint64_t{0},
                      [](uint64_t sum, const SegmentSummary& segment) { return sum + segment.size_bytes; });
  size_t count = 0;
  while (count < segments.size() &&
         total - segments[count].size_bytes >= static_cast<uint64_t>(rules.retention_bytes)) {
    total -= segments[count].size_bytes;
    ++count;
  }
  return count;
}

}  // namespace

RetentionDecision DecideRetention(const std::vector<SegmentSummary>& segments, const RetentionRules& rules,
                                  int64_t now_ms) {
  if (segments.empty()) {
    return {};
  }
  const size_t expired = CountExpired(segments, rules, now_ms);
  const size_t sealed = segments.size() - 1;
  const size_t drop = std::min(sealed, std::max(expired, CountSurplus(segments, rules)));
  return {.drop_count = drop, .roll_active = expired == segments.size() && segments.back().size_bytes > 0};
}

}  // namespace sluice::storage
