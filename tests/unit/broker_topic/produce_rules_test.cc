#include "broker/topic/produce_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/record/batch_builder.h"
#include "proto/record/batch_patch.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using storage::AppendCode;
using ::testing::HasSubstr;

constexpr int64_t kNow = 1'700'000'000'000;

TopicConfig Config(std::map<std::string, std::string> overrides = {}) {
  return *TopicConfig::Resolve(BrokerConfig::Defaults(), overrides);
}

Bytes Batch(std::vector<int64_t> timestamps = {kNow}, record::Codec codec = record::Codec::kNone) {
  record::BatchBuilder builder({.codec = codec});
  for (const int64_t timestamp : timestamps) {
    EXPECT_TRUE(builder.Append(timestamp, std::nullopt, AsBytes("value")).ok());
  }
  return ToBytes(*builder.Build());
}

ProduceVerdict Check(ByteView records, const TopicConfig& config) {
  record::BatchView batch;
  return CheckBatch(records, config, kNow, &batch);
}

TEST(ProduceRulesTest, GoodBatchIsFound) {
  const Bytes bytes = Batch({kNow, kNow + 1});
  record::BatchView batch;
  const ProduceVerdict verdict = CheckBatch(bytes, Config(), kNow, &batch);
  EXPECT_TRUE(verdict.ok()) << verdict.message;
  EXPECT_EQ(batch.record_count(), 2);
  EXPECT_EQ(verdict.max_timestamp_ms, std::nullopt);
}

TEST(ProduceRulesTest, DamagedBatchIsCorrupt) {
  Bytes bytes = Batch();
  bytes.back() ^= std::byte{1};
  EXPECT_EQ(Check(bytes, Config()).code, ErrorCode::kCorruptMessage);
}

TEST(ProduceRulesTest, ExactlyOneBatchIsTaken) {
  Bytes bytes = Batch();
  const Bytes second = Batch();
  bytes.insert(bytes.end(), second.begin(), second.end());
  EXPECT_EQ(Check(bytes, Config()).code, ErrorCode::kInvalidRecord);
  EXPECT_FALSE(Check({}, Config()).ok());
}

TEST(ProduceRulesTest, TooLargeABatchIsRefused) {
  const Bytes bytes = Batch();
  const auto size = static_cast<int64_t>(bytes.size());
  EXPECT_TRUE(Check(bytes, Config({{"max.message.bytes", absl::StrCat(size)}})).ok());
  EXPECT_EQ(Check(bytes, Config({{"max.message.bytes", absl::StrCat(size - 1)}})).code,
            ErrorCode::kMessageTooLarge);
}

TEST(ProduceRulesTest, TimestampsHaveLimitsOnBothSides) {
  const TopicConfig config =
      Config({{"message.timestamp.before.max.ms", "1000"}, {"message.timestamp.after.max.ms", "1000"}});
  EXPECT_TRUE(Check(Batch({kNow - 1000, kNow + 1000}), config).ok());
  EXPECT_EQ(Check(Batch({kNow, kNow - 1001}), config).code, ErrorCode::kInvalidTimestamp);
  EXPECT_EQ(Check(Batch({kNow, kNow + 1001}), config).code, ErrorCode::kInvalidTimestamp);
  EXPECT_EQ(Check(Batch({kNow + 1001}, record::Codec::kZstd), config).code, ErrorCode::kInvalidTimestamp);
  EXPECT_THAT(Check(Batch({kNow + 1001}), config).message, HasSubstr("check the producer's clock"));
}

TEST(ProduceRulesTest, DefaultLimitsAllowTheOldestButNotSecondsTakenForMilliseconds) {
  EXPECT_TRUE(Check(Batch({0}), Config()).ok());
  EXPECT_EQ(Check(Batch({kNow * 1000}), Config()).code, ErrorCode::kInvalidTimestamp);
}

TEST(ProduceRulesTest, BrokersTimeNeedsNoLimits) {
  EXPECT_TRUE(Check(Batch({kNow * 1000}), Config({{"message.timestamp.type", "LogAppendTime"}})).ok());
}

TEST(ProduceRulesTest, WrongMaxTimestampIsToldAndCanBeMended) {
  Bytes bytes = Batch({kNow, kNow + 5});
  record::SetMaxTimestamp(bytes, -1);
  record::BatchView batch;
  const ProduceVerdict verdict = CheckBatch(bytes, Config(), kNow, &batch);
  ASSERT_TRUE(verdict.ok()) << verdict.message;
  ASSERT_EQ(verdict.max_timestamp_ms, kNow + 5);
  const Bytes mended = WithMaxTimestamp(batch, *verdict.max_timestamp_ms);
  EXPECT_EQ(record::BatchView(mended).max_timestamp(), kNow + 5);
  EXPECT_TRUE(Check(mended, Config()).ok());
}

TEST(ProduceRulesTest, ZstdNeedsALaterRequest) {
  const Bytes bytes = Batch({kNow}, record::Codec::kZstd);
  record::BatchView batch;
  EXPECT_EQ(CheckBatch(bytes, Config(), kNow, &batch, {.zstd_allowed = false}).code,
            ErrorCode::kUnsupportedCompressionType);
}

TEST(ProduceRulesTest, OutcomesHaveKafkasCodes) {
  const auto code = [](AppendCode append) { return ToErrorCode({.code = append}); };
  EXPECT_EQ(code(AppendCode::kOk), ErrorCode::kNone);
  EXPECT_EQ(code(AppendCode::kDuplicate), ErrorCode::kNone);
  EXPECT_EQ(code(AppendCode::kOutOfOrderSequence), ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(code(AppendCode::kInvalidProducerEpoch), ErrorCode::kInvalidProducerEpoch);
  EXPECT_EQ(code(AppendCode::kBatchTooLarge), ErrorCode::kRecordListTooLarge);
  EXPECT_EQ(code(AppendCode::kStorageError), ErrorCode::kKafkaStorageError);
  EXPECT_EQ(code(AppendCode::kClosed), ErrorCode::kNotLeaderOrFollower);
}

}  // namespace
}  // namespace sluice::broker
