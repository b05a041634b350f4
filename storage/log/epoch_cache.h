// Where each leader epoch began (KIP-101): what followers and consumers ask to find out where logs diverge.
// A value; the log guards it.
#pragma once

#include <optional>
#include <vector>

#include "proto/base/ids.h"

namespace sluice::storage {

struct EpochStart {
  LeaderEpoch epoch;
  Offset start;

  friend bool operator==(const EpochStart&, const EpochStart&) = default;
};

struct EpochEndOffset {
  LeaderEpoch epoch;
  Offset end;
};

class EpochCache {
 public:
  EpochCache() = default;
  explicit EpochCache(std::vector<EpochStart> starts) : starts_(std::move(starts)) {}

  // A batch of `epoch` was appended at `offset`. Older or unknown epochs change nothing.
  void Observe(LeaderEpoch epoch, Offset offset);

  LeaderEpoch latest() const { return starts_.empty() ? kNoLeaderEpoch : starts_.back().epoch; }
  // The largest epoch at or before the asked one, and where it ends; `log_end` is the end of the last one.
  // As in Kafka, empty for an epoch that is larger than any here, and the first epoch's start for one that
  // is smaller than all.
  std::optional<EpochEndOffset> FindEnd(LeaderEpoch epoch, Offset log_end) const;
  // The epoch of the batch that holds `offset`; kNoLeaderEpoch if that was before the first.
  LeaderEpoch EpochOf(Offset offset) const;

  // Records before `start` are gone: the epoch at `start` begins there now.
  void TrimBefore(Offset start);

  const std::vector<EpochStart>& starts() const { return starts_; }

 private:
  std::vector<EpochStart> starts_;  // Ascending in both.
};

}  // namespace sluice::storage
