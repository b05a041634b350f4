#include "proto/record/batch_builder.h"

#include <limits>

#include "proto/record/batch_check.h"
#include "record_support.h"

namespace sluice::record {
namespace {

TEST(BatchBuilderTest, WhatItBuildsReadsBackWithEveryCodec) {
  for (const Codec codec : kAllCodecs) {
    const Bytes bytes = SomeBatch({.codec = codec});
    const BatchView batch(bytes);
    EXPECT_EQ(batch.codec(), codec);
    EXPECT_TRUE(VerifyCrc(batch).ok());
    EXPECT_EQ(ReadAll(batch), SomeRecords()) << CodecName(codec);
    EXPECT_EQ(CheckProducedBatch(batch, {}), std::nullopt);
  }
}

TEST(BatchBuilderTest, ALargeBatchGetsSmallerWithEveryCodec) {
  std::vector<OwnedRecord> records;
  for (int i = 0; i < 5000; ++i) {
    records.push_back({i, kNow + i, "key-" + std::to_string(i), std::string(50, 'v'), {}});
  }
  const size_t plain = BuildBatch(records).size();
  for (const Codec codec : {Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    const Bytes bytes = BuildBatch(records, {.codec = codec});
    EXPECT_LT(bytes.size(), plain / 2) << CodecName(codec);
    EXPECT_EQ(ReadAll(BatchView(bytes)), records) << CodecName(codec);
  }
}

TEST(BatchBuilderTest, EstimatedSizeIsTheExactSizeWithoutCompression) {
  BatchBuilder builder;
  EXPECT_EQ(builder.EstimatedSize(), 61u);
  for (const OwnedRecord& record : SomeRecords()) {
    AppendTo(builder, record);
  }
  EXPECT_EQ(builder.EstimatedSize(), Build(builder).size());
  EXPECT_EQ(builder.record_count(), 3);
}

TEST(BatchBuilderTest, RecordSizeMaxIsNeverExceeded) {
  const std::string big(100'000, 'b');
  BatchBuilder builder;
  CHECK_OK(builder.Append(std::numeric_limits<int64_t>::min(), {}, {}));
  for (const std::optional<std::string>& text : {std::optional<std::string>(), std::optional(big)}) {
    const std::vector<Header> headers = {{big, View(text)}, {"", View(text)}};
    const size_t before = builder.EstimatedSize();
    CHECK_OK(builder.Append(std::numeric_limits<int64_t>::max(), View(text), View(text), headers));
    EXPECT_LE(builder.EstimatedSize() - before, BatchBuilder::RecordSizeMax(View(text), View(text), headers));
  }
}

TEST(BatchBuilderTest, ResetStartsAnEmptyBatchInTheSameMemory) {
  BatchBuilder builder;
  AppendTo(builder, {0, kNow + 99, "a", std::string(10'000, 'a'), {}});
  const ByteView first = *builder.Build();
  builder.Reset();
  EXPECT_TRUE(builder.empty());
  for (const OwnedRecord& record : SomeRecords()) {
    AppendTo(builder, record);
  }
  const ByteView second = *builder.Build();
  EXPECT_EQ(second.data(), first.data());
  EXPECT_EQ(ToBytes(second), SomeBatch());
}

TEST(BatchBuilderTest, MayBeBuiltAgainAfterMoreRecords) {
  for (const Codec codec : kAllCodecs) {
    BatchBuilder builder({.codec = codec});
    AppendTo(builder, SomeRecords()[0]);
    EXPECT_EQ(ReadAll(BatchView(Build(builder))).size(), 1u);
    AppendTo(builder, SomeRecords()[1]);
    AppendTo(builder, SomeRecords()[2]);
    EXPECT_EQ(Build(builder), SomeBatch({.codec = codec}));
  }
}

TEST(BatchBuilderTest, TheProducerMayBeSetLast) {
  BatchBuilder builder;
  AppendTo(builder, SomeRecords()[0]);
  builder.SetProducer(ProducerId(9), ProducerEpoch(1), 100, /*transactional=*/true);
  const Bytes bytes = Build(builder);
  const BatchView batch(bytes);
  EXPECT_EQ(batch.producer_id(), ProducerId(9));
  EXPECT_EQ(batch.producer_epoch(), ProducerEpoch(1));
  EXPECT_EQ(batch.base_sequence(), 100);
  EXPECT_TRUE(batch.is_transactional());
}

TEST(BatchBuilderTest, ABatchWithoutRecordsIsRefused) {
  EXPECT_TRUE(absl::IsFailedPrecondition(BatchBuilder().Build().status()));
}

TEST(BatchBuilderTest, ARecordPastTheFormatsEndIsRefusedAndChangesNothing) {
  BatchBuilder builder;
  AppendTo(builder, SomeRecords()[0]);
  // Never read: the size alone is refused.
  const ByteView huge(reinterpret_cast<const std::byte*>(&builder), size_t{1} << 31);
  EXPECT_TRUE(absl::IsInvalidArgument(builder.Append(kNow, {}, huge)));
  EXPECT_EQ(ReadAll(BatchView(Build(builder))).size(), 1u);
}

TEST(BatchBuilderTest, ALevelOutOfRangeIsRefusedByName) {
  BatchBuilder builder({.codec = Codec::kGzip, .level = 77});
  AppendTo(builder, SomeRecords()[0]);
  EXPECT_NE(std::string(builder.Build().status().message()).find("gzip level 77"), std::string::npos);
}

}  // namespace
}  // namespace sluice::record
