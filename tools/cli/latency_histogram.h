// Durations in buckets that grow with their size: percentiles to within 1 %, in a few kilobytes, whatever was
// measured.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace sluice::cli {

// Thread-compatible.
class LatencyHistogram {
 public:
  void Add(uint64_t nanoseconds) {
    ++counts_[BucketOf(nanoseconds)];
    ++total_;
    max_ = nanoseconds > max_ ? nanoseconds : max_;
  }
  void Merge(const LatencyHistogram& other) {
    for (size_t i = 0; i < kBuckets; ++i) {
      counts_[i] += other.counts_[i];
    }
    total_ += other.total_;
    max_ = other.max_ > max_ ? other.max_ : max_;
  }

  // The duration that `fraction` of all are not above, in microseconds; 0 when nothing was added.
  double PercentileUs(double fraction) const {
    const auto wanted = static_cast<uint64_t>(fraction * static_cast<double>(total_));
    uint64_t seen = 0;
    for (size_t bucket = 0; bucket < kBuckets; ++bucket) {
      seen += counts_[bucket];
      if (seen > wanted) {
        return static_cast<double>(MiddleOf(bucket)) / 1e3;
      }
    }
    return static_cast<double>(max_) / 1e3;
  }
  double MaxUs() const { return static_cast<double>(max_) / 1e3; }
  uint64_t total() const { return total_; }

 private:
  // 64 steps for each power of two: the first 64 values have a bucket each.
  static constexpr int kStepBits = 6;
  static constexpr size_t kBuckets = size_t{64 - kStepBits + 1} << kStepBits;

  static size_t BucketOf(uint64_t value) {
    const int shift = std::max(0, static_cast<int>(std::bit_width(value)) - kStepBits - 1);
    return (static_cast<size_t>(shift) << kStepBits) + static_cast<size_t>(value >> shift);
  }
  static uint64_t MiddleOf(size_t bucket) {
    const size_t shift = bucket < (size_t{2} << kStepBits) ? 0 : (bucket >> kStepBits) - 1;
    const uint64_t step = bucket - (shift << kStepBits);
    return (step << shift) + ((uint64_t{1} << shift) >> 1);
  }

  std::array<uint64_t, kBuckets> counts_{};
  uint64_t total_ = 0;
  uint64_t max_ = 0;
};

}  // namespace sluice::cli
