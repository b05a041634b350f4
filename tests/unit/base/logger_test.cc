#include "proto/base/logger.h"

#include "gtest/gtest.h"

namespace sluice {
namespace {

TEST(LoggerTest, ALineHoldsTheTimeTheLevelAndWhoSpeaks) {
  EXPECT_EQ(FormatLogLine(absl::FromUnixMillis(1'700'000'000'123), LogLevel::kWarning, "net", "closed"),
            "2023-11-14T22:13:20.123Z W net      closed\n");
}

TEST(LoggerTest, LevelNamesReadBack) {
  for (const LogLevel level : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError}) {
    EXPECT_EQ(ParseLogLevel(LogLevelName(level)), level);
  }
  EXPECT_EQ(ParseLogLevel("verbose"), std::nullopt);
}

TEST(LoggerTest, LinesBelowTheLeastLevelAreNotWritten) {
  StderrLogger logger(LogLevel::kWarning);
  testing::internal::CaptureStderr();
  logger.Info("net", "unheard");
  logger.Error("net", "heard");
  const std::string written = testing::internal::GetCapturedStderr();
  EXPECT_EQ(written.find("unheard"), std::string::npos);
  EXPECT_NE(written.find(" E net      heard\n"), std::string::npos) << written;
}

TEST(LogLimiterTest, LetsOneThroughPerIntervalAndCountsTheOthers) {
  ManualClock clock;
  LogLimiter limiter(clock, absl::Seconds(10));
  EXPECT_EQ(limiter.Admit(), 0u);
  EXPECT_EQ(limiter.Admit(), std::nullopt);
  clock.Advance(absl::Seconds(9));
  EXPECT_EQ(limiter.Admit(), std::nullopt);
  clock.Advance(absl::Seconds(1));
  EXPECT_EQ(limiter.Admit(), 2u);
  clock.Advance(absl::Seconds(10));
  EXPECT_EQ(limiter.Admit(), 0u);
}

TEST(LogLimiterTest, HeldBackSaysNothingOfNothing) {
  EXPECT_EQ(HeldBack(0), "");
  EXPECT_EQ(HeldBack(12), " (and 12 more like it)");
}

}  // namespace
}  // namespace sluice
