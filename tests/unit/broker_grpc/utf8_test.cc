#include "broker/grpc/utf8.h"

#include <gtest/gtest.h>

namespace sluice::broker {
namespace {

#define BAD "\xef\xbf\xbd"

TEST(Utf8Test, WellFormedTextStays) {
  for (const std::string text : {"", "abc", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf",
                                 "\xf4\x8f\xbf\xbf", "a\xc2\x80z"}) {
    EXPECT_EQ(ToValidUtf8(text), text);
  }
}

TEST(Utf8Test, EachByteThatFitsNowhereIsReplaced) {
  EXPECT_EQ(ToValidUtf8("a\xff"
                        "b"),
            "a" BAD "b");
  EXPECT_EQ(ToValidUtf8("\x80"), BAD);
  EXPECT_EQ(ToValidUtf8("\xc3"), BAD);
  EXPECT_EQ(ToValidUtf8("\xe2\x82"), BAD BAD);
  EXPECT_EQ(ToValidUtf8("\xe2\x82z"), BAD BAD "z");
  EXPECT_EQ(ToValidUtf8("\xc0\x80"), BAD BAD);                  // Overlong.
  EXPECT_EQ(ToValidUtf8("\xe0\x80\x80"), BAD BAD BAD);          // Overlong.
  EXPECT_EQ(ToValidUtf8("\xed\xa0\x80"), BAD BAD BAD);          // A surrogate.
  EXPECT_EQ(ToValidUtf8("\xf4\x90\x80\x80"), BAD BAD BAD BAD);  // Above U+10FFFF.
}

}  // namespace
}  // namespace sluice::broker
