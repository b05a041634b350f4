#include "storage/log/epoch_cache.h"

#include <algorithm>
#include <iterator>

namespace sluice::storage {

void EpochCache::Observe(LeaderEpoch epoch, Offset offset) {
  if (epoch > latest()) {
    starts_.push_back({epoch, offset});
  }
}

std::optional<EpochEndOffset> EpochCache::FindEnd(LeaderEpoch epoch, Offset log_end) const {
  if (starts_.empty() || epoch > latest() || epoch.value() < 0) {
    return std::nullopt;
  }
  const auto higher =
      std::upper_bound(starts_.begin(), starts_.end(), epoch,
                       [](LeaderEpoch wanted, const EpochStart& entry) { return wanted < entry.epoch; });
  const Offset end = higher == starts_.end() ? log_end : higher->start;
  return EpochEndOffset{higher == starts_.begin() ? epoch : std::prev(higher)->epoch, end};
}

LeaderEpoch EpochCache::EpochOf(Offset offset) const {
  const auto later =
      std::upper_bound(starts_.begin(), starts_.end(), offset,
                       [](Offset wanted, const EpochStart& entry) { return wanted < entry.start; });
  return later == starts_.begin() ? kNoLeaderEpoch : std::prev(later)->epoch;
}

void EpochCache::TrimBefore(Offset start) {
  const auto later =
      std::upper_bound(starts_.begin(), starts_.end(), start,
                       [](Offset wanted, const EpochStart& entry) { return wanted < entry.start; });
  if (later == starts_.begin()) {
    return;
  }
  starts_.erase(starts_.begin(), std::prev(later));
  starts_.front().start = std::max(starts_.front().start, start);
}

}  // namespace sluice::storage
