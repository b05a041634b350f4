#include "proto/record/batch_view.h"

#include <limits>

#include "proto/record/batch_format.h"
#include "record_support.h"

namespace sluice::record {
namespace {

using Kind = BatchParse::Kind;

TEST(BatchFormatTest, CodecNamesAreKafkas) {
  for (const Codec codec : kAllCodecs) {
    EXPECT_EQ(ParseCodec(CodecName(codec)), codec);
    EXPECT_EQ(CodecFromAttributes(static_cast<int16_t>(codec)), codec);
  }
  EXPECT_EQ(CodecName(Codec::kZstd), "zstd");
  EXPECT_EQ(CodecName(static_cast<Codec>(5)), "unknown");
  EXPECT_EQ(ParseCodec("brotli"), std::nullopt);
  EXPECT_EQ(CodecFromAttributes(6), std::nullopt);
}

TEST(BatchFormatTest, SequencesWrapAfterTheLargestInt32) {
  EXPECT_EQ(AdvanceSequence(0, 5), 5);
  EXPECT_EQ(AdvanceSequence(2147483647, 1), 0);
  EXPECT_EQ(AdvanceSequence(2147483646, 3), 1);
  EXPECT_EQ(AdvanceSequence(2147483647, 2147483647), 2147483646);
}

TEST(BatchViewTest, ReadsEveryFieldOfTheHeader) {
  const Bytes bytes = SomeBatch({.codec = Codec::kLz4,
                                 .producer_id = ProducerId(77),
                                 .producer_epoch = ProducerEpoch(3),
                                 .base_sequence = 40,
                                 .transactional = true,
                                 .base_offset = Offset(1000),
                                 .leader_epoch = LeaderEpoch(9)});
  const BatchView batch(bytes);
  EXPECT_EQ(batch.base_offset(), Offset(1000));
  EXPECT_EQ(batch.last_offset(), Offset(1002));
  EXPECT_EQ(batch.next_offset(), Offset(1003));
  EXPECT_EQ(batch.size_bytes(), bytes.size());
  EXPECT_EQ(batch.length() + 12, static_cast<int32_t>(bytes.size()));
  EXPECT_EQ(batch.leader_epoch(), LeaderEpoch(9));
  EXPECT_EQ(batch.magic(), 2);
  EXPECT_EQ(batch.codec(), Codec::kLz4);
  EXPECT_TRUE(batch.is_compressed());
  EXPECT_EQ(batch.timestamp_type(), TimestampType::kCreateTime);
  EXPECT_TRUE(batch.is_transactional());
  EXPECT_FALSE(batch.is_control());
  EXPECT_FALSE(batch.has_delete_horizon());
  EXPECT_EQ(batch.last_offset_delta(), 2);
  EXPECT_EQ(batch.base_timestamp(), kNow);
  EXPECT_EQ(batch.max_timestamp(), kNow + 7);
  EXPECT_EQ(batch.producer_id(), ProducerId(77));
  EXPECT_EQ(batch.producer_epoch(), ProducerEpoch(3));
  EXPECT_EQ(batch.base_sequence(), 40);
  EXPECT_EQ(batch.last_sequence(), 42);
  EXPECT_EQ(batch.record_count(), 3);
  EXPECT_EQ(batch.records().size(), bytes.size() - 61);
}

TEST(BatchViewTest, LastSequenceWraps) {
  const Bytes bytes = SomeBatch(
      {.producer_id = ProducerId(1), .producer_epoch = ProducerEpoch(0), .base_sequence = 2147483646});
  EXPECT_EQ(BatchView(bytes).last_sequence(), 0);
}

TEST(BatchViewTest, ABatchWithoutSequenceHasNoLastOne) {
  EXPECT_EQ(BatchView(SomeBatch()).last_sequence(), kNoSequence);
}

TEST(BatchViewTest, OffsetsAtTheEndOfTheirRangeDoNotOverflow) {
  const Bytes bytes = SomeBatch({.base_offset = Offset(std::numeric_limits<int64_t>::max())});
  EXPECT_EQ(BatchView(bytes).next_offset(), Offset(std::numeric_limits<int64_t>::min() + 2));
}

TEST(ParseBatchTest, FindsBatchesThatFollowEachOther) {
  Bytes bytes = SomeBatch({.base_offset = Offset(5)});
  const Bytes second = SomeBatch({.base_offset = Offset(8)});
  bytes.insert(bytes.end(), second.begin(), second.end());

  const BatchParse first = ParseBatch(bytes);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first.batch.base_offset(), Offset(5));
  const BatchParse next = ParseBatch(ByteView(bytes).subspan(first.batch.size_bytes()));
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(next.batch.base_offset(), Offset(8));
  EXPECT_EQ(next.batch.size_bytes(), second.size());
}

TEST(ParseBatchTest, ABatchCutAtAnyByteIsIncompleteNotCorrupt) {
  const Bytes bytes = SomeBatch();
  for (size_t size = 0; size < bytes.size(); ++size) {
    const BatchParse parse = ParseBatch(ByteView(bytes).first(size));
    EXPECT_EQ(parse.kind, Kind::kIncomplete) << size;
    EXPECT_EQ(parse.size_bytes_needed, size < 12 ? 12 : bytes.size()) << size;
  }
}

TEST(ParseBatchTest, ALengthBelowTheHeaderIsCorrupt) {
  Bytes bytes = SomeBatch();
  for (const int32_t length : {48, 0, -1, std::numeric_limits<int32_t>::min()}) {
    StoreBigEndian<int32_t>(bytes.data() + kLengthAt, length);
    const BatchParse parse = ParseBatch(bytes);
    EXPECT_EQ(parse.kind, Kind::kCorrupt);
    EXPECT_EQ(parse.error, BatchError::kBadLength);
  }
}

TEST(ParseBatchTest, AZeroFilledTailIsCorruptByItsLength) {
  const Bytes zeros(4096);
  EXPECT_EQ(ParseBatch(zeros).error, BatchError::kBadLength);
  EXPECT_EQ(ParseBatch(zeros).kind, Kind::kCorrupt);
  EXPECT_EQ(PeekBatchSize(zeros), std::nullopt);
}

TEST(ParseBatchTest, AnOldMessageIsToldByItsMagicEvenWhenShort) {
  Bytes bytes(26);  // An empty message of format 0: offset, size 14, CRC, magic, ...
  StoreBigEndian<int32_t>(bytes.data() + kLengthAt, 14);
  EXPECT_EQ(ParseBatch(bytes).error, BatchError::kBadMagic);
  EXPECT_EQ(ParseBatch(bytes).kind, Kind::kCorrupt);
}

TEST(PeekBatchSizeTest, NeedsTwelveBytesOnly) {
  const Bytes bytes = SomeBatch();
  EXPECT_EQ(PeekBatchSize(ByteView(bytes).first(12)), bytes.size());
  EXPECT_EQ(PeekBatchSize(ByteView(bytes).first(11)), std::nullopt);
}

TEST(VerifyCrcTest, SaysWhichBatchAndBothSums) {
  Bytes bytes = SomeBatch({.base_offset = Offset(42)});
  EXPECT_TRUE(VerifyCrc(BatchView(bytes)).ok());
  StoreBigEndian<uint32_t>(bytes.data() + kCrcAt, 0xdeadbeef);
  const absl::Status status = VerifyCrc(BatchView(bytes));
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_NE(std::string(status.message()).find("offset 42"), std::string::npos) << status;
  EXPECT_NE(std::string(status.message()).find("deadbeef"), std::string::npos) << status;
}

TEST(BatchViewDeathTest, RefusesLessThanAHeader) {
  const Bytes bytes(60);
  EXPECT_DEATH(BatchView{ByteView(bytes)}, "60 against 61");
}

}  // namespace
}  // namespace sluice::record
