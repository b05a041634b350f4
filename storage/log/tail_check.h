// What stands behind the last good batch of a segment that was being written when its broker died.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "proto/base/ids.h"
#include "storage/disk/disk.h"

namespace sluice::storage {

struct TailVerdict {
  enum class Kind {
    kClean,    // Nothing, or the zeroes of allocated space.
    kTorn,     // A batch that was not finished.
    kDamaged,  // A later batch is whole (at byte `later_position`): what is between was damaged, not torn.
  };
  Kind kind = Kind::kClean;
  uint64_t later_position = 0;
};

// What the next batch of the log must say, and later ones exceed.
struct TailExpectation {
  Offset offset;
  LeaderEpoch epoch_min = kNoLeaderEpoch;  // The broker stamped it, and it never falls.
};

// Looks at bytes [position, size). Reads all of it when it is not zero, and hashes no byte more than twice,
// so it takes about as long as reading it takes, whatever a producer wrote there.
absl::StatusOr<TailVerdict> CheckTail(File& file, uint64_t position, uint64_t size,
                                      const TailExpectation& expected);

}  // namespace sluice::storage
