#include "proto/base/clock.h"

#include "gtest/gtest.h"
#include "proto/base/random.h"

namespace sluice {
namespace {

TEST(ManualClockTest, StandsStillUntilItIsMoved) {
  ManualClock clock(absl::FromUnixMillis(1000));
  EXPECT_EQ(clock.NowMs(), 1000);
  EXPECT_EQ(clock.NowMs(), 1000);
  clock.Advance(absl::Milliseconds(250));
  EXPECT_EQ(clock.NowMs(), 1250);
  EXPECT_EQ(clock.Monotonic(), absl::Milliseconds(250));
}

TEST(ManualClockTest, AWallClockJumpIsNotSeenByTimeouts) {
  ManualClock clock(absl::FromUnixMillis(1000));
  clock.SetWallClock(absl::FromUnixMillis(5));
  EXPECT_EQ(clock.NowMs(), 5);
  EXPECT_EQ(clock.Monotonic(), absl::ZeroDuration());
}

TEST(SystemClockTest, MonotonicTimeNeverGoesBack) {
  Clock& clock = Clock::System();
  absl::Duration last = clock.Monotonic();
  for (int i = 0; i < 1000; ++i) {
    const absl::Duration now = clock.Monotonic();
    ASSERT_GE(now, last);
    last = now;
  }
  EXPECT_GT(clock.NowMs(), int64_t{1'600'000'000'000});
}

TEST(RandomTest, ASeedReplays) {
  Random a(42);
  Random b(42);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(a.Next(), b.Next());
  }
}

TEST(RandomTest, BelowStaysBelowAndReachesAll) {
  Random random(7);
  bool seen[5] = {};
  for (int i = 0; i < 1000; ++i) {
    const uint64_t value = random.Below(5);
    ASSERT_LT(value, 5u);
    seen[value] = true;
  }
  for (const bool value_seen : seen) {
    EXPECT_TRUE(value_seen);
  }
  EXPECT_EQ(random.Below(1), 0u);
}

}  // namespace
}  // namespace sluice
