// What background verification has done since the log dir was opened.
#pragma once

#include <cstdint>

namespace sluice::storage {

struct ScrubStats {
  uint64_t bytes = 0;
  uint64_t segments = 0;
  uint64_t rounds = 0;  // Through all sealed segments.
  uint64_t faults = 0;  // Each counts again in each round.
};

}  // namespace sluice::storage
