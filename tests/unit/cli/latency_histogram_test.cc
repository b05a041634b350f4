#include "tools/cli/latency_histogram.h"

#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

TEST(LatencyHistogram, PercentilesAreWithinTwoPercent) {
  LatencyHistogram histogram;
  for (uint64_t us = 1; us <= 100'000; ++us) {
    histogram.Add(us * 1000);
  }
  EXPECT_EQ(histogram.total(), 100'000u);
  for (const double fraction : {0.01, 0.5, 0.95, 0.99, 0.999}) {
    EXPECT_NEAR(histogram.PercentileUs(fraction), 100'000 * fraction, 2'000 * fraction) << fraction;
  }
  EXPECT_EQ(histogram.MaxUs(), 100'000);
}

TEST(LatencyHistogram, TakesEveryValueThatFits) {
  for (int bit = 0; bit < 64; ++bit) {
    LatencyHistogram histogram;
    const uint64_t value = uint64_t{1} << bit;
    histogram.Add(value);
    EXPECT_NEAR(histogram.PercentileUs(0), static_cast<double>(value) / 1e3,
                static_cast<double>(value) / 1e3 * 0.01)
        << bit;
  }
}

TEST(LatencyHistogram, MergeAddsBoth) {
  LatencyHistogram a;
  LatencyHistogram b;
  a.Add(1'000);
  b.Add(9'000'000);
  a.Merge(b);
  EXPECT_EQ(a.total(), 2u);
  EXPECT_EQ(a.MaxUs(), 9'000);
}

}  // namespace
}  // namespace sluice::cli
