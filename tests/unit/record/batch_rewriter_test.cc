#include "proto/record/batch_rewriter.h"

#include "record_support.h"

namespace sluice::record {
namespace {

std::vector<OwnedRecord> TenRecords() {
  std::vector<OwnedRecord> records;
  for (int i = 0; i < 10; ++i) {
    records.push_back({.offset = 500 + i,
                       .timestamp_ms = kNow + 1000 * i,
                       .key = absl::StrCat("key", i),
                       .value = i == 4 ? std::nullopt : std::optional(std::string(20, 'v')),
                       .headers = {{"h", "x"}}});
  }
  return records;
}

Bytes Build(const std::vector<OwnedRecord>& records, Codec codec) {
  BatchBuilder builder({.codec = codec,
                        .producer_id = ProducerId(7),
                        .producer_epoch = ProducerEpoch(2),
                        .base_sequence = 30,
                        .base_offset = Offset(500),
                        .leader_epoch = LeaderEpoch(9)});
  for (const OwnedRecord& record : records) {
    const Header header{record.headers[0].key, View(record.headers[0].value)};
    CHECK_OK(builder.Append(record.timestamp_ms, View(record.key), View(record.value), {&header, 1}));
  }
  return ToBytes(*builder.Build());
}

std::vector<OwnedRecord> RecordsOf(ByteView bytes) {
  const BatchView batch(bytes);
  Bytes scratch;
  const ByteView records = *DecompressRecords(batch, &scratch, 1 << 20);
  RecordIterator it(batch, records);
  std::vector<OwnedRecord> owned;
  for (RecordView record; it.Next(&record);) {
    owned.push_back(Own(record));
  }
  CHECK_OK(it.status());
  return owned;
}

Bytes KeepOnly(ByteView source, const std::vector<int>& indices, std::optional<int64_t> horizon_ms) {
  const BatchView batch(source);
  Bytes scratch;
  const ByteView records = *DecompressRecords(batch, &scratch, 1 << 20);
  BatchRewriter rewriter;
  rewriter.Begin(batch, horizon_ms);
  RecordIterator it(batch, records);
  int index = 0;
  for (RecordView record; it.Next(&record); ++index) {
    if (std::find(indices.begin(), indices.end(), index) != indices.end()) {
      rewriter.Keep(it.record_bytes(), record.timestamp_ms);
    }
  }
  return ToBytes(*rewriter.Finish());
}

class BatchRewriterTest : public ::testing::TestWithParam<Codec> {};

TEST_P(BatchRewriterTest, KeepsChosenRecordsAtTheirOffsetsAndAllElseOfTheHeader) {
  const std::vector<OwnedRecord> records = TenRecords();
  const Bytes source = Build(records, GetParam());
  const Bytes thinned = KeepOnly(source, {2, 4, 7}, std::nullopt);
  EXPECT_EQ(RecordsOf(thinned), (std::vector{records[2], records[4], records[7]}));
  const BatchView batch(thinned);
  EXPECT_TRUE(CrcMatches(batch));
  EXPECT_EQ(batch.base_offset(), Offset(500));
  EXPECT_EQ(batch.next_offset(), Offset(510));
  EXPECT_EQ(batch.record_count(), 3);
  EXPECT_EQ(batch.codec(), GetParam());
  EXPECT_EQ(batch.max_timestamp(), records[7].timestamp_ms);
  EXPECT_EQ(batch.base_timestamp(), records[0].timestamp_ms);
  EXPECT_EQ(batch.producer_id(), ProducerId(7));
  EXPECT_EQ(batch.producer_epoch(), ProducerEpoch(2));
  EXPECT_EQ(batch.base_sequence(), 30);
  EXPECT_EQ(batch.last_sequence(), 39);
  EXPECT_EQ(batch.leader_epoch(), LeaderEpoch(9));
}

TEST_P(BatchRewriterTest, ADeleteHorizonTakesTheBaseTimestampAndTimesStay) {
  const std::vector<OwnedRecord> records = TenRecords();
  const Bytes source = Build(records, GetParam());
  const Bytes marked = KeepOnly(source, {0, 4, 9}, kNow + 86'400'000);
  EXPECT_EQ(RecordsOf(marked), (std::vector{records[0], records[4], records[9]}));
  const BatchView batch(marked);
  EXPECT_TRUE(batch.has_delete_horizon());
  EXPECT_EQ(batch.base_timestamp(), kNow + 86'400'000);
  EXPECT_TRUE(CrcMatches(batch));

  const Bytes again = KeepOnly(marked, {0, 1}, kNow + 99'000'000);
  EXPECT_EQ(RecordsOf(again), (std::vector{records[0], records[4]}));
  EXPECT_EQ(BatchView(again).base_timestamp(), kNow + 86'400'000) << "a horizon is set once";
}

TEST_P(BatchRewriterTest, WithoutRecordsItIsAHeaderThatTellsTheProducer) {
  const Bytes empty = KeepOnly(Build(TenRecords(), GetParam()), {}, std::nullopt);
  ASSERT_EQ(empty.size(), kHeaderSize);
  const BatchView batch(empty);
  EXPECT_TRUE(CrcMatches(batch));
  EXPECT_EQ(batch.record_count(), 0);
  EXPECT_EQ(batch.codec(), Codec::kNone);
  EXPECT_EQ(batch.next_offset(), Offset(510));
  EXPECT_EQ(batch.last_sequence(), 39);
  EXPECT_EQ(batch.max_timestamp(), kNoTimestamp);
  EXPECT_TRUE(RecordsOf(empty).empty());
}

INSTANTIATE_TEST_SUITE_P(Codecs, BatchRewriterTest, ::testing::ValuesIn(kAllCodecs),
                         [](const auto& info) { return std::string(CodecName(info.param)); });

}  // namespace
}  // namespace sluice::record
