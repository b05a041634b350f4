#include "tools/cli/position_text.h"

#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

const auto kNow = std::chrono::system_clock::time_point(std::chrono::milliseconds(1'700'000'000'000));

Position Parsed(const char* text) {
  return *ParsePosition(text, kNow);
}

TEST(ParsePosition, UnderstandsNamesOffsetsTailsAndTimes) {
  EXPECT_EQ(Parsed("start"), Position::Beginning());
  EXPECT_EQ(Parsed("beginning"), Position::Beginning());
  EXPECT_EQ(Parsed("end"), Position::End());
  EXPECT_EQ(Parsed("42"), Position::At(42));
  EXPECT_EQ(Parsed("-3"), Position::Tail(3));
  EXPECT_EQ(Parsed("@1500"), Position::SinceMs(1500));
  EXPECT_EQ(Parsed("@-1h"), Position::SinceMs(1'700'000'000'000 - 3'600'000));
  EXPECT_EQ(Parsed("@1970-01-02"), Position::SinceMs(86'400'000));
  EXPECT_EQ(Parsed("@1970-01-01T00:00:01.5Z"), Position::SinceMs(1500));
}

TEST(ParsePosition, RefusesTheRestAndSaysWhatThereIs) {
  for (const char* text : {"", "first", "4x", "@", "@yesterday", "@-1", "--2", "1.5"}) {
    const auto position = ParsePosition(text, kNow);
    ASSERT_FALSE(position.ok()) << text;
    EXPECT_NE(position.status().message().find("use start, end"), absl::string_view::npos);
  }
}

}  // namespace
}  // namespace sluice::cli
