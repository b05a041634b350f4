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

// Looks at bytes [position, size). The batch expected there has base offset `expected`. Reads all of it when
// it is not zero, so it may take as long as reading it takes.
absl::StatusOr<TailVerdict> CheckTail(File& file, uint64_t position, uint64_t size, Offset expected);

}  // namespace sluice::storage
