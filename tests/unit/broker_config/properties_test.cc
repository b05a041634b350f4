#include "broker/config/properties.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::broker {
namespace {

using ::testing::HasSubstr;

std::vector<std::pair<std::string, std::string>> Parse(absl::string_view text) {
  const auto properties = ParseProperties("f", text);
  EXPECT_TRUE(properties.ok()) << properties.status();
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const Property& property : *properties) {
    pairs.emplace_back(property.key, property.value);
  }
  return pairs;
}

std::string ErrorOf(absl::string_view text) {
  return std::string(ParseProperties("server.properties", text).status().message());
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST(PropertiesTest, SeparatorIsEqualsColonOrSpace) {
  EXPECT_EQ(Parse("a=1\nb: 2\nc 3\nd = 4\ne\n"),
            (Pairs{{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}, {"e", ""}}));
}

TEST(PropertiesTest, OnlyTheFirstSeparatorCounts) {
  EXPECT_EQ(Parse("listeners=PLAINTEXT://h:1,B://h:2\na b=c"),
            (Pairs{{"listeners", "PLAINTEXT://h:1,B://h:2"}, {"a", "b=c"}}));
}

TEST(PropertiesTest, CommentsAndEmptyLinesAreSkipped) {
  EXPECT_EQ(Parse("# one\n\n  ! two\r\n  a=1 # kept\r\n"), (Pairs{{"a", "1 # kept"}}));
}

TEST(PropertiesTest, BackslashAtTheEndGoesOnWithoutTheIndent) {
  EXPECT_EQ(Parse("a=1,\\\n   2,\\\n   3\nb=x\\\\\nc=y"), (Pairs{{"a", "1,2,3"}, {"b", "x\\"}, {"c", "y"}}));
}

TEST(PropertiesTest, EscapesAreLettersOrCodePoints) {
  EXPECT_EQ(Parse("a\\=b=\\t\\n\\u00e9\\u20ac\\:"), (Pairs{{"a=b", "\t\n\xc3\xa9\xe2\x82\xac:"}}));
}

TEST(PropertiesTest, LineNumbersAreThoseOfTheFirstLine) {
  const auto properties = ParseProperties("f", "# c\na=1,\\\n2\nb=3");
  ASSERT_TRUE(properties.ok());
  EXPECT_EQ(properties->at(0).line, 2);
  EXPECT_EQ(properties->at(1).line, 4);
}

TEST(PropertiesTest, DuplicateNamesBothLines) {
  EXPECT_EQ(ErrorOf("a=1\nb=2\na=3"),
            "server.properties:3: \"a\" was set before, in line 1; keep one of the two");
}

TEST(PropertiesTest, HalfAnEscapeAndAMissingKeyAreErrors) {
  EXPECT_THAT(ErrorOf("a=\\u12g4"), HasSubstr("server.properties:1: \\u must be followed by four"));
  EXPECT_THAT(ErrorOf("x=1\n=2"), HasSubstr("server.properties:2: a line must begin with a key"));
}

}  // namespace
}  // namespace sluice::broker
