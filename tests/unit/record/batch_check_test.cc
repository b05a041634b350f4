#include "proto/record/batch_check.h"

#include <limits>

#include "record_support.h"

namespace sluice::record {
namespace {

constexpr int32_t kInt32Max = std::numeric_limits<int32_t>::max();

Bytes IdempotentBatch() {
  return SomeBatch({.producer_id = ProducerId(5), .producer_epoch = ProducerEpoch(0), .base_sequence = 0});
}

std::optional<BatchError> ErrorOf(const Bytes& bytes, const ProduceRules& rules = {}) {
  BatchView batch;
  RecordFacts facts;
  const std::optional<BatchProblem> problem = CheckProduced(bytes, rules, &batch, &facts);
  if (!problem) {
    EXPECT_EQ(batch.size_bytes(), bytes.size());
    return std::nullopt;
  }
  EXPECT_FALSE(problem->message.empty());
  return problem->error;
}

TEST(CheckProducedTest, TakesAGoodBatchAndLearnsItsTimes) {
  const Bytes bytes = SomeBatch();
  BatchView batch;
  RecordFacts facts;
  EXPECT_EQ(CheckProduced(bytes, {}, &batch, &facts), std::nullopt);
  EXPECT_EQ(batch.bytes().data(), bytes.data());
  EXPECT_TRUE(facts.known);
  EXPECT_EQ(facts.min_timestamp, kNow - 2);
  EXPECT_EQ(facts.max_timestamp, kNow + 7);
  EXPECT_EQ(facts.max_timestamp_delta, 1);
}

TEST(CheckProducedTest, ABatchCutAtAnyByteIsRefusedAsCorrupt) {
  const Bytes bytes = SomeBatch();
  for (size_t size = 0; size < bytes.size(); ++size) {
    const Bytes cut = ToBytes(ByteView(bytes).first(size));
    EXPECT_EQ(ErrorOf(cut), BatchError::kTooShort) << size;
  }
  EXPECT_EQ(ClassOf(BatchError::kTooShort), ErrorClass::kCorrupt);
}

TEST(CheckProducedTest, EveryFlippedBitIsCaughtOrOutsideWhatTheBrokerKeeps) {
  const Bytes bytes = IdempotentBatch();
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    const size_t at = bit / 8;
    Bytes flipped = bytes;
    flipped[at] ^= static_cast<std::byte>(1 << (bit % 8));
    const bool broker_writes_it = at < kLengthAt || (at >= kLeaderEpochAt && at < kMagicAt);
    EXPECT_EQ(ErrorOf(flipped).has_value(), !broker_writes_it) << "byte " << at;
  }
}

TEST(CheckProducedTest, EveryFlippedBitOfTheRecordsLengthsIsCaughtWithoutTheCrc) {
  // The same records with a right CRC around a wrong structure: what a broken client sends.
  const Bytes bytes = Wrap(FromInts({12, 0, 0, 0, 1, 1, 0}), 1);
  EXPECT_EQ(ErrorOf(bytes), std::nullopt);
  for (const size_t at : {0u, 3u, 4u, 5u, 6u}) {
    // The lowest bit of a key's or value's length of -1 makes it 0: empty instead of null, and right again.
    for (int bit = at == 4 || at == 5 ? 1 : 0; bit < 8; ++bit) {
      Bytes flipped = bytes;
      flipped[kHeaderSize + at] ^= static_cast<std::byte>(1 << bit);
      RefreshCrc(flipped);
      EXPECT_EQ(ErrorOf(flipped), BatchError::kBadRecords) << "byte " << at << " bit " << bit;
    }
  }
}

TEST(CheckProducedTest, LiesInTheHeaderAreNamed) {
  const Bytes good = IdempotentBatch();
  const struct {
    Bytes bytes;
    std::optional<BatchError> error;
  } cases[] = {
      {With<int8_t>(good, kMagicAt, 1), BatchError::kBadMagic},
      {With<int8_t>(good, kMagicAt, 3), BatchError::kBadMagic},
      {With<int32_t>(good, kLengthAt, 48), BatchError::kBadLength},
      {With<int32_t>(good, kLengthAt, kInt32Max), BatchError::kTooShort},
      {With<int16_t>(good, kAttributesAt, 5), BatchError::kUnknownCodec},
      {With<int16_t>(good, kAttributesAt, 7), BatchError::kUnknownCodec},
      {With<int16_t>(good, kAttributesAt, kLogAppendTimeBit), BatchError::kBadTimestamp},
      {With<int16_t>(good, kAttributesAt, kTransactionalBit), std::nullopt},
      {With<int16_t>(good, kAttributesAt, kControlBit), BatchError::kControlBatch},
      {With<int16_t>(good, kAttributesAt, kDeleteHorizonBit), BatchError::kBadAttributes},
      {With<int16_t>(good, kAttributesAt, 0x80), BatchError::kBadAttributes},
      {With<int16_t>(good, kAttributesAt, std::numeric_limits<int16_t>::min()), BatchError::kBadAttributes},
      {With<int32_t>(good, kLastOffsetDeltaAt, 3), BatchError::kBadCount},
      {With<int32_t>(good, kLastOffsetDeltaAt, 1), BatchError::kBadCount},
      {With<int32_t>(good, kLastOffsetDeltaAt, -1), BatchError::kBadCount},
      {With<int32_t>(good, kLastOffsetDeltaAt, kInt32Max), BatchError::kBadCount},
      {With<int32_t>(good, kRecordCountAt, 0), BatchError::kBadCount},
      {With<int32_t>(good, kRecordCountAt, -1), BatchError::kBadCount},
      {With<int32_t>(good, kRecordCountAt, kInt32Max), BatchError::kBadCount},
      {With<int16_t>(good, kProducerEpochAt, -1), BatchError::kBadProducer},
      {With<int32_t>(good, kBaseSequenceAt, -1), BatchError::kBadProducer},
      {With<int64_t>(good, kProducerIdAt, -2), BatchError::kBadProducer},
      {With<int64_t>(good, kBaseTimestampAt, 0), std::nullopt},
      {With<int64_t>(good, kMaxTimestampAt, kNoTimestamp), std::nullopt},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(ErrorOf(c.bytes), c.error) << (&c - cases);
  }
}

TEST(CheckProducedTest, MessagesHoldTheFiguresAndWhatToDo) {
  BatchView batch;
  RecordFacts facts;
  const Bytes old = With<int8_t>(SomeBatch(), kMagicAt, 1);
  EXPECT_EQ(CheckProduced(old, {}, &batch, &facts)->message,
            "message format 1, only 2 is supported: upgrade the client to one for Kafka 0.11 or later");
  const Bytes liar = With<int32_t>(SomeBatch(), kRecordCountAt, 2);
  EXPECT_EQ(CheckProduced(liar, {}, &batch, &facts)->message,
            "it says that it holds 2 records, but its last offset delta is 2");
}

TEST(CheckProducedTest, CountsThatLieTogetherAreFoundInTheRecords) {
  for (const int32_t count : {2, 4}) {
    const Bytes bytes =
        With<int32_t>(With<int32_t>(SomeBatch(), kRecordCountAt, count), kLastOffsetDeltaAt, count - 1);
    EXPECT_EQ(ErrorOf(bytes), BatchError::kBadRecords) << count;
  }
}

TEST(CheckProducedTest, OffsetDeltasOutOfOrderAreBlamedOnTheirRecord) {
  const Bytes bytes = Wrap(FromInts({12, 0, 0, 0, 1, 1, 0, 12, 0, 0, 4, 1, 1, 0}), 2);
  const std::optional<BatchProblem> problem = CheckProducedBatch(BatchView(bytes), {});
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->error, BatchError::kBadRecords);
  EXPECT_EQ(problem->record_index, 1);
  EXPECT_EQ(problem->error_class(), ErrorClass::kInvalid);
}

// KafkaJS and Sarama send epoch and sequence 0 with producer id -1.
TEST(CheckProducedTest, WithoutAProducerIdEpochAndSequenceAreNotLookedAt) {
  const Bytes bytes = With<int32_t>(With<int16_t>(SomeBatch(), kProducerEpochAt, 0), kBaseSequenceAt, 0);
  EXPECT_EQ(ErrorOf(bytes), std::nullopt);
}

TEST(CheckProducedTest, ATransactionNeedsAProducerId) {
  EXPECT_EQ(ErrorOf(SomeBatch({.transactional = true})), BatchError::kBadProducer);
}

TEST(CheckProducedTest, AnyBaseOffsetIsTakenBecauseTheBrokerWritesItsOwn) {
  EXPECT_EQ(ErrorOf(SomeBatch({.base_offset = Offset(std::numeric_limits<int64_t>::max())})), std::nullopt);
  EXPECT_EQ(ErrorOf(SomeBatch({.base_offset = Offset(-5)})), std::nullopt);
}

TEST(CheckProducedTest, TwoBatchesAreOneTooMany) {
  Bytes bytes = SomeBatch();
  const Bytes second = SomeBatch();
  bytes.insert(bytes.end(), second.begin(), second.end());
  EXPECT_EQ(ErrorOf(bytes), BatchError::kNotOneBatch);
}

TEST(CheckProducedTest, NothingAtAllIsTooShort) {
  EXPECT_EQ(ErrorOf({}), BatchError::kTooShort);
}

TEST(CheckProducedTest, MaxMessageBytesCountsTheWholeBatch) {
  const Bytes bytes = SomeBatch();
  EXPECT_EQ(ErrorOf(bytes, {.size_bytes_max = bytes.size()}), std::nullopt);
  EXPECT_EQ(ErrorOf(bytes, {.size_bytes_max = bytes.size() - 1}), BatchError::kTooLarge);
}

TEST(CheckProducedTest, ZstdMayBeForbiddenToOldRequests) {
  const Bytes bytes = SomeBatch({.codec = Codec::kZstd});
  EXPECT_EQ(ErrorOf(bytes), std::nullopt);
  EXPECT_EQ(ErrorOf(bytes, {.zstd_allowed = false}), BatchError::kUnknownCodec);
}

TEST(CheckProducedTest, ACompactedTopicWantsKeys) {
  const std::optional<BatchProblem> problem =
      CheckProducedBatch(BatchView(SomeBatch()), {.keys_required = true});
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->error, BatchError::kNullKey);
  EXPECT_EQ(problem->record_index, 1);
}

TEST(CheckProducedTest, TheCrcMayBeLeftToSomeoneElse) {
  Bytes bytes = SomeBatch();
  bytes[kCrcAt] ^= std::byte{1};
  EXPECT_EQ(ErrorOf(bytes), BatchError::kBadCrc);
  EXPECT_EQ(ErrorOf(bytes, {.verify_crc = false}), std::nullopt);
}

class OpenedBatchTest : public testing::TestWithParam<Codec> {
 protected:
  std::optional<BatchProblem> Check(const Bytes& bytes, ProduceRules rules) {
    return CheckProducedBatch(BatchView(bytes), rules, &facts_, {&decompressor_, &scratch_});
  }

  Decompressor decompressor_;
  Bytes scratch_;
  RecordFacts facts_;
};

TEST_P(OpenedBatchTest, IsNotOpenedUnasked) {
  const Bytes bytes = SomeBatch({.codec = GetParam()});
  EXPECT_EQ(Check(bytes, {.keys_required = true}), std::nullopt);
  EXPECT_FALSE(facts_.known);
}

TEST_P(OpenedBatchTest, GivesTheSameFacts) {
  EXPECT_EQ(Check(SomeBatch({.codec = GetParam()}), {.decompressed_bytes_max = 1 << 20}), std::nullopt);
  EXPECT_TRUE(facts_.known);
  EXPECT_EQ(facts_.max_timestamp, kNow + 7);
}

TEST_P(OpenedBatchTest, GivesTheSameProblems) {
  const Bytes bytes = SomeBatch({.codec = GetParam()});
  EXPECT_EQ(Check(bytes, {.keys_required = true, .decompressed_bytes_max = 1 << 20})->error,
            BatchError::kNullKey);
  const Bytes liar = With<int32_t>(With<int32_t>(bytes, kRecordCountAt, 4), kLastOffsetDeltaAt, 3);
  EXPECT_EQ(Check(liar, {.decompressed_bytes_max = 1 << 20})->error, BatchError::kBadRecords);
}

TEST_P(OpenedBatchTest, IsTooLargeAboveTheLimit) {
  const std::optional<BatchProblem> problem =
      Check(SomeBatch({.codec = GetParam()}), {.decompressed_bytes_max = 100});
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->error_class(), ErrorClass::kTooLarge);
}

TEST_P(OpenedBatchTest, IsInvalidWhenItsRecordsDoNotDecompress) {
  Bytes bytes = SomeBatch({.codec = GetParam()});
  std::fill(bytes.begin() + kHeaderSize, bytes.end(), std::byte{0xee});
  RefreshCrc(bytes);
  EXPECT_EQ(Check(bytes, {.decompressed_bytes_max = 1 << 20})->error, BatchError::kBadRecords);
}

INSTANTIATE_TEST_SUITE_P(Codecs, OpenedBatchTest,
                         testing::Values(Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd),
                         [](const auto& test) { return std::string(CodecName(test.param)); });

TEST(ClassOfTest, OnlyDamageIsCorrupt) {
  EXPECT_EQ(ClassOf(BatchError::kBadCrc), ErrorClass::kCorrupt);
  EXPECT_EQ(ClassOf(BatchError::kBadLength), ErrorClass::kCorrupt);
  EXPECT_EQ(ClassOf(BatchError::kBadMagic), ErrorClass::kUnsupportedFormat);
  EXPECT_EQ(ClassOf(BatchError::kUnknownCodec), ErrorClass::kUnsupportedCompression);
  EXPECT_EQ(ClassOf(BatchError::kBadTimestamp), ErrorClass::kInvalidTimestamp);
  EXPECT_EQ(ClassOf(BatchError::kBadCount), ErrorClass::kInvalid);
  EXPECT_EQ(ClassOf(BatchError::kControlBatch), ErrorClass::kInvalid);
}

TEST(ValidateStructureTest, AllowsWhatCompactionLeaves) {
  const Bytes thinned = With<int32_t>(SomeBatch({.base_offset = Offset(10)}), kLastOffsetDeltaAt, 500);
  EXPECT_TRUE(ValidateStructure(BatchView(thinned)).ok());
  const Bytes emptied = With<int32_t>(Wrap({}, 0), kLastOffsetDeltaAt, 5);
  EXPECT_TRUE(ValidateStructure(BatchView(emptied)).ok());
  EXPECT_EQ(BatchView(emptied).next_offset(), Offset(6));
}

TEST(ValidateStructureTest, RefusesWhatNobodyWrites) {
  const Bytes good = SomeBatch({.base_offset = Offset(10)});
  const Bytes cases[] = {
      With<int32_t>(good, kRecordCountAt, 4),
      With<int32_t>(good, kRecordCountAt, -1),
      With<int32_t>(good, kLengthAt, 100),
      With<int16_t>(good, kAttributesAt, 6),
      With<int16_t>(good, kAttributesAt, 0x100),
      With<int64_t>(good, kBaseOffsetAt, -1),
      With<int64_t>(good, kBaseOffsetAt, std::numeric_limits<int64_t>::max() - 2),
      With<int32_t>(With<int32_t>(good, kRecordCountAt, 1000), kLastOffsetDeltaAt, 999),
  };
  for (const Bytes& bytes : cases) {
    EXPECT_TRUE(absl::IsDataLoss(ValidateStructure(BatchView(bytes)))) << (&bytes - cases);
  }
}

TEST(ValidateRecordsTest, NamesTheBatchAndWhatIsWrong) {
  const Bytes bytes = With<int32_t>(SomeBatch({.base_offset = Offset(77)}), kRecordCountAt, 2);
  const absl::Status status = ValidateRecords(BatchView(bytes));
  EXPECT_NE(std::string(status.message()).find("offset 77"), std::string::npos) << status;
  EXPECT_NE(std::string(status.message()).find("bytes follow the last record"), std::string::npos) << status;
  EXPECT_TRUE(ValidateRecords(BatchView(SomeBatch())).ok());
}

}  // namespace
}  // namespace sluice::record
