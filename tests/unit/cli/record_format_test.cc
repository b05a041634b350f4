#include "tools/cli/record_format.h"

#include <gtest/gtest.h>

#include "proto/base/bytes.h"

namespace sluice::cli {
namespace {

RecordView Record() {
  return {.topic = "t",
          .partition = 3,
          .offset = 42,
          .timestamp_ms = 1500,
          .key = BytesOf("k"),
          .value = BytesOf("vv"),
          .headers = {}};
}

std::string Formatted(const char* format, const RecordView& record = Record()) {
  auto parsed = RecordFormat::Parse(format);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  std::string out;
  parsed->AppendTo(&out, record);
  return out;
}

TEST(RecordFormat, ExpandsEveryVerb) {
  EXPECT_EQ(Formatted("%t/%p@%o %d %T %k=%v %s %K %V %S %H%%"), "t/3@42 1500 1500 k=vv vv 1 2 2 0%");
}

TEST(RecordFormat, UnderstandsEscapes) {
  EXPECT_EQ(Formatted("a\\tb\\n\\x41\\\\"), "a\tb\nA\\");
}

TEST(RecordFormat, AbsentKeyAndValueAreEmptyAndOfLengthMinusOne) {
  RecordView record = Record();
  record.key.reset();
  record.value.reset();
  EXPECT_EQ(Formatted("[%k|%v] %K %V", record), "[|] -1 -1");
}

TEST(RecordFormat, HeadersAreListed) {
  // One varint-prefixed key and value, as in a record batch: "a" = "b", then "c" without a value.
  const std::string bytes =
      "\x02"
      "a"
      "\x02"
      "b"
      "\x02"
      "c"
      "\x01";
  RecordView record = Record();
  record.headers = HeaderList(BytesOf(bytes), 2);
  EXPECT_EQ(Formatted("%H %h", record), "2 a=b,c=");
}

TEST(RecordFormat, UnknownVerbOrEscapeIsNamed) {
  for (const char* text : {"%q", "%", "\\q", "\\", "\\x4", "\\xzz"}) {
    EXPECT_FALSE(RecordFormat::Parse(text).ok()) << text;
  }
  EXPECT_NE(RecordFormat::Parse("%q").status().message().find("%q"), absl::string_view::npos);
}

}  // namespace
}  // namespace sluice::cli
