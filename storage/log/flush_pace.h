// How fast the segments are written behind the journal: pure policy.
//
// A round writes every log that blocks hold bytes of, once. Thousands of syncs in a row would hold up those
// that appends wait for, so a round is spread over the time in which the ring fills by another quarter.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace sluice::storage {

// A round begins when the ring is half full, and what comes after its end has a quarter.
inline constexpr double kFlushFrom = 0.5;
inline constexpr double kFlushThrough = 0.75;

// How many of a round's logs are to be flushed by the time that the ring is so full: at least a slice, which
// is what is flushed in one go.
inline size_t FlushesDue(size_t logs, size_t slice, double fullness) {
  const double share = std::clamp((fullness - kFlushFrom) / (kFlushThrough - kFlushFrom), 0.0, 1.0);
  return std::min(logs, slice + static_cast<size_t>(std::lround(share * static_cast<double>(logs))));
}

// How full the ring is when the slice behind the first `done` logs is due.
inline double FullnessOfNext(size_t logs, size_t done) {
  const double share = logs == 0 ? 0 : static_cast<double>(done) / static_cast<double>(logs);
  return kFlushFrom + share * (kFlushThrough - kFlushFrom);
}

}  // namespace sluice::storage
