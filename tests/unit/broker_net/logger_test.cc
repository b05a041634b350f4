#include "proto/base/logger.h"

#include "gtest/gtest.h"

namespace sluice {
namespace {

TEST(Logger, LineHasTimeLevelComponentAndMessage) {
  EXPECT_EQ(FormatLogLine(absl::FromUnixMillis(1'700'000'000'123), LogLevel::kWarning, "net", "closed x"),
            "2023-11-14T22:13:20.123Z W net      closed x\n");
}

TEST(Logger, LevelNamesAreReadBack) {
  EXPECT_EQ(ParseLogLevel("debug"), LogLevel::kDebug);
  EXPECT_EQ(ParseLogLevel("error"), LogLevel::kError);
  EXPECT_EQ(ParseLogLevel("loud"), std::nullopt);
}

TEST(LogLimiter, LetsOneThroughPerIntervalAndCountsTheRest) {
  ManualClock clock;
  LogLimiter limiter(clock, absl::Seconds(1));
  EXPECT_EQ(limiter.Admit(), 0u);
  EXPECT_EQ(limiter.Admit(), std::nullopt);
  EXPECT_EQ(limiter.Admit(), std::nullopt);
  clock.Advance(absl::Seconds(1));
  EXPECT_EQ(limiter.Admit(), 2u);
}

TEST(LogLimiter, HeldBackSaysNothingOfNone) {
  EXPECT_EQ(HeldBack(0), "");
  EXPECT_EQ(HeldBack(3), " (and 3 more like it)");
}

}  // namespace
}  // namespace sluice
