#include "client/internal/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::client_internal {
namespace {

using ::testing::HasSubstr;

TEST(AddressTest, ReadsNamesAndNumbersWithAndWithoutPort) {
  EXPECT_EQ(*ParseAddress("kafka:1234"), (Address{"kafka", 1234}));
  EXPECT_EQ(*ParseAddress("kafka"), (Address{"kafka", 9092}));
  EXPECT_EQ(*ParseAddress("127.0.0.1:1"), (Address{"127.0.0.1", 1}));
  EXPECT_EQ(*ParseAddress("[::1]:65535"), (Address{"::1", 65535}));
  EXPECT_EQ(*ParseAddress("[::1]"), (Address{"::1", 9092}));
}

TEST(AddressTest, WritesWhatItReads) {
  EXPECT_EQ(ParseAddress("[::1]:7")->ToString(), "[::1]:7");
  EXPECT_EQ(ParseAddress("a:7")->ToString(), "a:7");
}

TEST(AddressTest, RefusesWhatIsNoAddressAndSaysWhatOneLooksLike) {
  for (const char* text :
       {"", ":9092", "kafka:", "kafka:x", "kafka:0", "kafka:65536", "::1", "[::1", "[::1]x"}) {
    const auto parsed = ParseAddress(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_THAT(std::string(parsed.status().message()), HasSubstr("HOST:PORT"));
  }
}

TEST(AddressTest, ReadsListsWithBlanks) {
  EXPECT_THAT(*ParseBootstrap("a:1, b:2,c"),
              ::testing::ElementsAre(Address{"a", 1}, Address{"b", 2}, Address{"c"}));
  EXPECT_FALSE(ParseBootstrap(" , ").ok());
}

}  // namespace
}  // namespace sluice::client_internal
