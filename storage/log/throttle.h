// Spreads work over time: so many bytes a second.
//
//   absl::Duration wait = throttle.Take(bytes, clock.Monotonic());   // Then wait so long before the next.
//
// Thread-safe: all who take share the rate.
#pragma once

#include <algorithm>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace sluice::storage {

class Throttle {
 public:
  // 0: no limit.
  explicit Throttle(int64_t bytes_per_second) : bytes_per_second_(bytes_per_second) {}

  // `bytes` were moved just now. Time that nobody used is not saved up.
  absl::Duration Take(uint64_t bytes, absl::Duration now) {
    if (bytes_per_second_ <= 0) {
      return absl::ZeroDuration();
    }
    absl::MutexLock lock(&mu_);
    free_at_ = std::max(free_at_, now) +
               absl::Seconds(static_cast<double>(bytes) / static_cast<double>(bytes_per_second_));
    return free_at_ - now;
  }

 private:
  const int64_t bytes_per_second_;
  absl::Mutex mu_;
  absl::Duration free_at_ ABSL_GUARDED_BY(mu_) = absl::ZeroDuration();
};

}  // namespace sluice::storage
