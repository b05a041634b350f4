#include "storage/index/key_codec.h"

#include <limits>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "storage/index/value_codec.h"

namespace sluice::storage {
namespace {

LogId SomeLog() {
  LogId log;
  for (uint8_t i = 0; i < 16; ++i) {
    log.topic_id.bytes[i] = static_cast<uint8_t>(0xa0 + i);
  }
  log.partition = PartitionId(3);
  return log;
}

std::string Text(const IndexKey& key) {
  return std::string(key.text());
}

// What stands on people's disks: a change here is a new kIndexFormatVersion.
TEST(IndexKey, HasTheBytesThatTheFormatPageShows) {
  EXPECT_EQ(absl::BytesToHexString(IndexKey::OfOffset(SomeLog(), Offset(258)).text()),
            "6f"
            "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
            "00000003"
            "0000000000000102");
  EXPECT_EQ(absl::BytesToHexString(IndexKey::OfTime(SomeLog(), 1, Offset(2)).text()),
            "74"
            "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
            "00000003"
            "8000000000000001"
            "0000000000000002");
  EXPECT_EQ(absl::BytesToHexString(IndexKey::Of(KeyType::kCheckpoint, SomeLog()).text()),
            "63"
            "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
            "00000003");
}

TEST(IndexKey, SortsAsOffsetsAndTimestampsDo) {
  const LogId log = SomeLog();
  EXPECT_LT(Text(IndexKey::OfOffset(log, Offset(255))), Text(IndexKey::OfOffset(log, Offset(256))));
  EXPECT_LT(Text(IndexKey::OfTime(log, -1, Offset(9))), Text(IndexKey::OfTime(log, 0, Offset(1))));
  EXPECT_LT(Text(IndexKey::OfTime(log, std::numeric_limits<int64_t>::min(), Offset(9))),
            Text(IndexKey::OfTime(log, std::numeric_limits<int64_t>::max(), Offset(1))));
}

TEST(IndexKey, RangeOfALogEndsBeforeTheNextPartition) {
  LogId last = SomeLog();
  last.partition = PartitionId(std::numeric_limits<int32_t>::max());
  const std::string after = Text(IndexKey::After(KeyType::kOffset, last));
  EXPECT_LT(Text(IndexKey::OfOffset(last, Offset(std::numeric_limits<int64_t>::max()))), after);
  LogId next_topic = SomeLog();
  next_topic.topic_id.bytes[15]++;
  next_topic.partition = PartitionId(0);
  EXPECT_LT(after, Text(IndexKey::OfOffset(next_topic, Offset(0))));
}

TEST(IndexKey, ParsesBack) {
  const auto time = ParseKey(IndexKey::OfTime(SomeLog(), -5, Offset(77)).text());
  ASSERT_TRUE(time.has_value());
  EXPECT_EQ(time->type, KeyType::kTime);
  EXPECT_EQ(time->log, SomeLog());
  EXPECT_EQ(time->timestamp_ms, -5);
  EXPECT_EQ(time->offset, Offset(77));
  const auto segment = ParseKey(IndexKey::OfSegment(SomeLog(), Offset(9)).text());
  ASSERT_TRUE(segment.has_value());
  EXPECT_EQ(segment->offset, Offset(9));
}

TEST(IndexKey, OfAnotherShapeIsNotParsed) {
  const std::string key = Text(IndexKey::OfOffset(SomeLog(), Offset(1)));
  EXPECT_FALSE(ParseKey(key.substr(0, key.size() - 1)).has_value());
  EXPECT_FALSE(ParseKey(key + "x").has_value());
  EXPECT_FALSE(ParseKey("").has_value());
  EXPECT_FALSE(ParseKey(kIndexFormatKey).has_value());
  EXPECT_FALSE(ParseKey(absl::StrCat("?", key.substr(1))).has_value());
}

TEST(IndexValue, RoundTripsAtItsLimits) {
  const Offset last(std::numeric_limits<int64_t>::max());
  const OffsetEntry entry{.offset = last, .segment_base = Offset(0), .position = ~0ull};
  const auto decoded = DecodeOffsetEntry(last, EncodeOffsetEntry(entry));
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->segment_base, Offset(0));
  EXPECT_EQ(decoded->position, ~0ull);
  EXPECT_EQ(DecodeWatermark(EncodeWatermark(last)), last);
  const SegmentEntry empty{.base_offset = Offset(5), .next_offset = Offset(5), .max_timestamp_ms = -1};
  const auto segment = DecodeSegmentEntry(Offset(5), EncodeSegmentEntry(empty));
  ASSERT_TRUE(segment.has_value());
  EXPECT_EQ(segment->next_offset, Offset(5));
  EXPECT_EQ(segment->max_timestamp_ms, -1);
}

TEST(IndexValue, DamagedBytesAreRefused) {
  const std::string value =
      EncodeOffsetEntry({.offset = Offset(500), .segment_base = Offset(0), .position = 1});
  EXPECT_FALSE(DecodeOffsetEntry(Offset(500), value.substr(0, 1)).has_value());
  EXPECT_FALSE(DecodeOffsetEntry(Offset(500), value + "x").has_value());
  EXPECT_FALSE(DecodeOffsetEntry(Offset(499), value).has_value()) << "its segment would begin below 0";
  EXPECT_FALSE(DecodeCheckpoint("").has_value());
  EXPECT_FALSE(DecodeWatermark(std::string(11, '\xff')).has_value());
}

}  // namespace
}  // namespace sluice::storage
