#include "proto/record/record_iterator.h"

#include <limits>

#include "record_support.h"

namespace sluice::record {
namespace {

std::string WhyItStops(const Bytes& batch) {
  RecordIterator it{BatchView(batch)};
  RecordView record;
  while (it.Next(&record)) {
    Own(record);
  }
  EXPECT_FALSE(it.Next(&record));  // It stays where it stopped.
  return std::string(it.status().message());
}

TEST(RecordIteratorTest, GivesWhatWasWritten) {
  EXPECT_EQ(ReadAll(BatchView(SomeBatch())), SomeRecords());
}

TEST(RecordIteratorTest, AddsTheBatchsOffset) {
  const Bytes bytes = SomeBatch({.base_offset = Offset(1000)});
  EXPECT_EQ(ReadAll(BatchView(bytes)).back().offset, 1002);
}

TEST(RecordIteratorTest, HeadersCanBeWalkedTwice) {
  const Bytes bytes = SomeBatch();
  RecordIterator it{BatchView(bytes)};
  RecordView record;
  ASSERT_TRUE(it.Next(&record) && it.Next(&record));
  ASSERT_EQ(record.headers.size(), 2u);
  for (int round = 0; round < 2; ++round) {
    auto header = record.headers.begin();
    EXPECT_EQ(header->key, "trace");
    EXPECT_EQ(AsText(*header->value), "abc");
    EXPECT_EQ((header++)->key, "trace");
    EXPECT_EQ(*header, (Header{"none", std::nullopt}));
    EXPECT_EQ(++header, record.headers.end());
  }
}

TEST(RecordIteratorTest, CountsWhatItHasRead) {
  const Bytes bytes = SomeBatch();
  RecordIterator it{BatchView(bytes)};
  RecordView record;
  EXPECT_EQ(it.records_read(), 0);
  ASSERT_TRUE(it.Next(&record));
  EXPECT_EQ(it.records_read(), 1);
}

TEST(RecordIteratorTest, RecordsCutAtAnyByteEndInAnError) {
  const Bytes bytes = SomeBatch();
  const BatchView batch(bytes);
  for (size_t size = 0; size < batch.records().size(); ++size) {
    // A copy of exactly this size, so that a read past its end is seen by the sanitizer.
    const Bytes cut = ToBytes(batch.records().first(size));
    RecordIterator it(batch, cut);
    RecordView record;
    while (it.Next(&record)) {
    }
    EXPECT_TRUE(absl::IsDataLoss(it.status())) << size;
  }
}

TEST(RecordIteratorTest, ACountThatClaimsFewerRecordsLeavesBytesOver) {
  const Bytes bytes = With<int32_t>(SomeBatch(), kRecordCountAt, 2);
  EXPECT_NE(WhyItStops(bytes).find("bytes follow the last record"), std::string::npos);
}

TEST(RecordIteratorTest, ACountThatClaimsMoreRecordsRunsOut) {
  const Bytes bytes = With<int32_t>(SomeBatch(), kRecordCountAt, 4);
  EXPECT_NE(WhyItStops(bytes).find("after 3 of 4 records, with 0 bytes left"), std::string::npos);
}

TEST(RecordIteratorTest, ANegativeCountIsAnError) {
  const Bytes bytes = With<int32_t>(SomeBatch(), kRecordCountAt, -1);
  EXPECT_NE(WhyItStops(bytes).find("record count is negative"), std::string::npos);
}

// A record is: length, attributes, timestamp delta, offset delta, key length, value length, header count.
TEST(RecordIteratorTest, TheSmallestRecordHasNeitherKeyNorValue) {
  const Bytes bytes = Wrap(FromInts({12, 0, 0, 0, 1, 1, 0}), 1);
  const std::vector<OwnedRecord> records = ReadAll(BatchView(bytes));
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0], (OwnedRecord{0, kNow, std::nullopt, std::nullopt}));
}

TEST(RecordIteratorTest, LyingLengthsAreFound) {
  const struct {
    Bytes record;
    const char* problem;
  } cases[] = {
      {FromInts({14, 0, 0, 0, 1, 1, 0}), "past the end of the records"},       // One byte more than there is.
      {FromInts({10, 0, 0, 0, 1, 1, 0}), "headers reach past its end"},        // One less than it needs.
      {FromInts({1, 0, 0, 0, 1, 1, 0}), "past the end of the records"},        // Length -1.
      {FromInts({0}), "deltas reach past its end"},                            // Nothing in it.
      {FromInts({14, 0, 0, 0, 1, 1, 0, 0}), "bytes follow its last header"},   // A byte too many inside.
      {FromInts({12, 0, 0, 0, 3, 1, 0}), "key or value reaches past"},         // Key length -2.
      {FromInts({12, 0, 0, 0, 20, 1, 0}), "key or value reaches past"},        // Key length 10.
      {FromInts({12, 0, 0, 0, 1, 20, 0}), "key or value reaches past"},        // Value length 10.
      {FromInts({12, 0, 0, 0, 1, 1, 1}), "headers reach past its end"},        // -1 headers.
      {FromInts({12, 0, 0, 0, 1, 1, 2}), "headers reach past its end"},        // One header, not there.
      {FromInts({16, 0, 0, 0, 1, 1, 2, 1, 1}), "headers reach past its end"},  // A header with a null key.
      {FromInts({16, 0, 0, 0, 1, 1, 2, 0, 3}), "headers reach past its end"},  // A header value of -2 bytes.
      {FromInts({0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), "length is cut off"},   // A varint without an end.
      {FromInts({0xfe, 0xff, 0xff, 0xff, 0x0f, 0, 0}), "past the end of the rec"},  // 2^31-1 bytes.
  };
  for (const auto& c : cases) {
    EXPECT_NE(WhyItStops(Wrap(c.record, 1)).find(c.problem), std::string::npos)
        << WhyItStops(Wrap(c.record, 1)) << ", expected " << c.problem;
  }
}

TEST(RecordIteratorTest, HugeHeaderCountsCostNothing) {
  // 2^31-1 headers in a record of eleven bytes.
  const Bytes bytes = Wrap(FromInts({20, 0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f}), 1);
  EXPECT_NE(WhyItStops(bytes).find("headers reach past its end"), std::string::npos);
}

TEST(RecordIteratorTest, DeltasThatOverflowWrap) {
  const Bytes smallest = FromInts({12, 0, 2, 2, 1, 1, 0});
  Bytes bytes = With<int64_t>(Wrap(smallest, 1), kBaseTimestampAt, std::numeric_limits<int64_t>::max());
  AssignOffset(bytes, Offset(std::numeric_limits<int64_t>::max()), LeaderEpoch(0));
  const std::vector<OwnedRecord> records = ReadAll(BatchView(bytes));
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].offset, std::numeric_limits<int64_t>::min());
  EXPECT_EQ(records[0].timestamp_ms, std::numeric_limits<int64_t>::min());
}

TEST(RecordIteratorTest, AnEmptyBatchOfACompactedTopicHasNoRecords) {
  Bytes bytes = Wrap({}, 0);
  EXPECT_EQ(WhyItStops(bytes), "");
}

}  // namespace
}  // namespace sluice::record
