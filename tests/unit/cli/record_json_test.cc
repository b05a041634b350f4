#include "tools/cli/record_json.h"

#include <gtest/gtest.h>

#include "proto/base/bytes.h"

namespace sluice::cli {
namespace {

std::string ToJson(const RecordView& record) {
  std::string out;
  AppendJson(&out, record);
  return out;
}

TEST(RecordJson, WritesEveryField) {
  EXPECT_EQ(ToJson({.topic = "t",
                    .partition = 1,
                    .offset = 2,
                    .timestamp_ms = 3,
                    .key = BytesOf("k"),
                    .value = BytesOf("v"),
                    .headers = {}}),
            R"({"topic":"t","partition":1,"offset":2,"timestamp":3,"key":"k","value":"v","headers":[]})");
}

TEST(RecordJson, AbsentIsNullAndEmptyIsEmpty) {
  EXPECT_EQ(ToJson({.topic = "t",
                    .partition = 1,
                    .offset = 2,
                    .timestamp_ms = 3,
                    .key = std::nullopt,
                    .value = BytesOf(""),
                    .headers = {}}),
            R"({"topic":"t","partition":1,"offset":2,"timestamp":3,"key":null,"value":"","headers":[]})");
}

TEST(RecordJson, EveryByteComesBack) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) {
    all += static_cast<char>(byte);
  }
  // Two headers with the same key; the second value is no UTF-8, the third absent.
  const std::string headers =
      "\x02"
      "h"
      "\x02"
      "x"
      "\x02"
      "h"
      "\x02"
      "\xff"
      "\x02"
      "n"
      "\x01";
  const RecordView record{.topic = "t",
                          .partition = 1,
                          .offset = 2,
                          .timestamp_ms = 3,
                          .key = BytesOf("\xc3\xa9\n\""),
                          .value = BytesOf(all),
                          .headers = HeaderList(BytesOf(headers), 3)};
  const auto parsed = ParseJson(ToJson(record));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->key, "\xc3\xa9\n\"");
  EXPECT_EQ(parsed->value, all);
  EXPECT_EQ(parsed->partition, 1);
  EXPECT_EQ(parsed->timestamp_ms, 3);
  using Header = std::pair<std::string, std::optional<std::string>>;
  EXPECT_EQ(parsed->headers, (std::vector<Header>{{"h", "x"}, {"h", "\xff"}, {"n", std::nullopt}}));
}

TEST(RecordJson, EverythingMayBeLeftOut) {
  const auto parsed = ParseJson("{}");
  ASSERT_TRUE(parsed.ok());
  EXPECT_FALSE(parsed->key || parsed->value || parsed->partition || parsed->timestamp_ms);
}

TEST(RecordJson, WrongLinesAreRefusedByName) {
  for (const char* line : {"", "x", "[]", R"({"key":1})", R"({"partition":"0"})", R"({"value_base64":"*"})",
                           R"({"headers":{}})", R"({"headers":[{"value":"v"}]})", R"({"timestamp":1.5})"}) {
    EXPECT_FALSE(ParseJson(line).ok()) << line;
  }
}

}  // namespace
}  // namespace sluice::cli
