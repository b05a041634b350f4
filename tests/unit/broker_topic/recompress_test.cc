#include "broker/topic/recompress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "absl/strings/str_cat.h"
#include "proto/record/batch_builder.h"
#include "proto/record/batch_patch.h"
#include "proto/record/compression.h"
#include "proto/record/record_iterator.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using record::Codec;
using ::testing::HasSubstr;

constexpr int64_t kNow = 1'700'000'000'000;
constexpr Codec kCodecs[] = {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd};

std::string TypeOf(Codec codec) {
  return codec == Codec::kNone ? "uncompressed" : std::string(record::CodecName(codec));
}

TopicConfig Config(std::map<std::string, std::string> overrides,
                   std::vector<std::pair<std::string, std::string>> broker = {}) {
  return *TopicConfig::Resolve(*BrokerConfig::Load({.sets = std::move(broker)}), overrides);
}

Bytes Batch(Codec codec, int64_t first_timestamp_ms = kNow) {
  record::BatchBuilder builder({.codec = codec,
                                .producer_id = ProducerId(7),
                                .producer_epoch = ProducerEpoch(3),
                                .base_sequence = 40,
                                .transactional = true});
  const record::Header headers[] = {{.key = "trace", .value = AsBytes("1")}, {.key = "none", .value = {}}};
  for (int i = 0; i < 50; ++i) {
    const std::string value = absl::StrCat("a value that compresses ", i);
    EXPECT_TRUE(builder
                    .Append(first_timestamp_ms + i, i % 2 == 0 ? std::nullopt : std::optional(AsBytes("key")),
                            AsBytes(value), headers)
                    .ok());
  }
  return ToBytes(*builder.Build());
}

// Checked and compressed anew as the produce path does it.
ProduceVerdict Apply(const Bytes& bytes, const TopicConfig& config, Bytes* changed) {
  record::BatchView batch;
  const ProduceVerdict checked = CheckBatch(bytes, config, kNow, &batch);
  EXPECT_TRUE(checked.ok()) << checked.message;
  EXPECT_TRUE(NeedsRecompression(batch, config));
  return Recompress(batch, checked, config, kNow, changed);
}

Bytes RecordsOf(const Bytes& batch) {
  Bytes scratch;
  return ToBytes(*record::DecompressRecords(record::BatchView(batch), &scratch, 1 << 20));
}

TEST(RecompressTest, OnlyAnotherCodecThanTheTopicsIsTouched) {
  for (const Codec from : kCodecs) {
    const Bytes bytes = Batch(from);
    EXPECT_FALSE(NeedsRecompression(record::BatchView(bytes), Config({})));
    for (const Codec to : kCodecs) {
      EXPECT_EQ(NeedsRecompression(record::BatchView(bytes), Config({{"compression.type", TypeOf(to)}})),
                from != to);
    }
  }
  EXPECT_EQ(Config({{"compression.type", "none"}}).codec(), Codec::kNone);
}

TEST(RecompressTest, EverythingButTheCodecSurvivesFromEachToEach) {
  for (const Codec from : kCodecs) {
    for (const Codec to : kCodecs) {
      if (from == to) {
        continue;
      }
      const Bytes bytes = Batch(from);
      Bytes changed;
      const ProduceVerdict verdict = Apply(bytes, Config({{"compression.type", TypeOf(to)}}), &changed);
      ASSERT_TRUE(verdict.ok()) << verdict.message;
      const record::BatchView before(bytes);
      const record::BatchView after(changed);
      EXPECT_EQ(after.codec(), to);
      EXPECT_TRUE(record::CrcMatches(after));
      EXPECT_EQ(static_cast<size_t>(after.length()) + record::kLengthPrefixSize, changed.size());
      EXPECT_EQ(after.attributes() & ~record::kCodecMask, before.attributes() & ~record::kCodecMask);
      // From the last offset delta on the header is the same, byte for byte.
      const size_t size = record::kHeaderSize - record::kLastOffsetDeltaAt;
      EXPECT_TRUE(std::ranges::equal(ByteView(bytes).subspan(record::kLastOffsetDeltaAt, size),
                                     ByteView(changed).subspan(record::kLastOffsetDeltaAt, size)));
      EXPECT_EQ(RecordsOf(changed), RecordsOf(bytes));
    }
  }
}

TEST(RecompressTest, TheResultMustFitMaxMessageBytesToo) {
  const Bytes bytes = Batch(Codec::kZstd);
  const TopicConfig config =
      Config({{"compression.type", "uncompressed"}, {"max.message.bytes", absl::StrCat(bytes.size() + 10)}});
  Bytes changed;
  const ProduceVerdict verdict = Apply(bytes, config, &changed);
  EXPECT_EQ(verdict.code, ErrorCode::kMessageTooLarge);
  EXPECT_THAT(verdict.message, HasSubstr("compression.type"));
}

TEST(RecompressTest, ABombIsRefusedAtTheLimit) {
  record::BatchBuilder builder({.codec = Codec::kGzip});
  const Bytes zeroes(4 << 20);
  ASSERT_TRUE(builder.Append(kNow, std::nullopt, ByteView(zeroes)).ok());
  const Bytes bytes = ToBytes(*builder.Build());
  ASSERT_LT(bytes.size(), 100'000u);
  Bytes changed;
  const ProduceVerdict verdict = Apply(
      bytes, Config({{"compression.type", "lz4"}}, {{"sluice.decompressed.max.bytes", "1MiB"}}), &changed);
  EXPECT_EQ(verdict.code, ErrorCode::kMessageTooLarge);
  EXPECT_THAT(verdict.message, HasSubstr("sluice.decompressed.max.bytes"));
}

TEST(RecompressTest, RecordsThatDoNotDecompressAreRefused) {
  for (const Codec from : {Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    Bytes bytes = Batch(from);
    std::fill(bytes.begin() + record::kHeaderSize, bytes.end(), std::byte{0x5a});
    record::RefreshCrc(bytes);
    Bytes changed;
    EXPECT_EQ(Apply(bytes, Config({{"compression.type", "uncompressed"}}), &changed).code,
              ErrorCode::kInvalidRecord);
  }
}

TEST(RecompressTest, ACountThatTheRecordsDoNotHaveIsRefused) {
  Bytes bytes = Batch(Codec::kLz4);
  StoreBigEndian<int32_t>(bytes.data() + record::kRecordCountAt, 49);
  StoreBigEndian<int32_t>(bytes.data() + record::kLastOffsetDeltaAt, 48);
  record::RefreshCrc(bytes);
  Bytes changed;
  EXPECT_EQ(Apply(bytes, Config({{"compression.type", "gzip"}}), &changed).code, ErrorCode::kInvalidRecord);
}

TEST(RecompressTest, TimestampsInsideACompressedBatchAreHeldToTheLimits) {
  Bytes bytes = Batch(Codec::kLz4, kNow - 1000);
  // The header says that all is well: only who opens the batch sees the first record.
  const TopicConfig config =
      Config({{"compression.type", "gzip"}, {"message.timestamp.after.max.ms", "500"}});
  record::BatchBuilder builder({.codec = Codec::kLz4});
  ASSERT_TRUE(builder.Append(kNow, std::nullopt, AsBytes("now")).ok());
  ASSERT_TRUE(builder.Append(kNow + 5000, std::nullopt, AsBytes("far ahead")).ok());
  bytes = ToBytes(*builder.Build());
  record::SetMaxTimestamp(bytes, kNow);
  Bytes changed;
  EXPECT_EQ(Apply(bytes, config, &changed).code, ErrorCode::kInvalidTimestamp);
}

TEST(RecompressTest, AWrongGreatestTimestampIsMended) {
  for (const Codec from : {Codec::kNone, Codec::kZstd}) {
    Bytes bytes = Batch(from);
    record::SetMaxTimestamp(bytes, record::kNoTimestamp);
    Bytes changed;
    ASSERT_TRUE(Apply(bytes, Config({{"compression.type", "snappy"}}), &changed).ok());
    EXPECT_EQ(record::BatchView(changed).max_timestamp(), kNow + 49);
    EXPECT_TRUE(record::CrcMatches(record::BatchView(changed)));
  }
}

TEST(RecompressTest, TheLevelsOfKafkaAreTaken) {
  struct Case {
    const char* type;
    const char* key;
    std::vector<const char*> good;
    std::vector<const char*> bad;
  };
  const Case cases[] = {{"gzip", "compression.gzip.level", {"-1", "1", "9"}, {"0", "10", "-2"}},
                        {"lz4", "compression.lz4.level", {"1", "9", "17"}, {"0", "18"}},
                        {"zstd", "compression.zstd.level", {"-131072", "3", "22"}, {"23"}}};
  for (const Case& one : cases) {
    for (const char* level : one.good) {
      Bytes changed;
      const TopicConfig config = Config({{"compression.type", one.type}, {one.key, level}});
      const Bytes bytes = Batch(Codec::kNone);
      EXPECT_TRUE(Apply(bytes, config, &changed).ok()) << one.key << "=" << level;
      EXPECT_EQ(RecordsOf(changed), RecordsOf(bytes));
    }
    for (const char* level : one.bad) {
      EXPECT_FALSE(TopicConfig::Resolve(BrokerConfig::Defaults(), {{one.key, level}}).ok())
          << one.key << "=" << level;
    }
  }
}

TEST(RecompressTest, AHigherLevelIsSmaller) {
  record::BatchBuilder builder;
  std::mt19937 random(5);
  for (int i = 0; i < 3000; ++i) {
    const std::string value = absl::StrCat("word", random() % 300, " of ", random() % 40);
    ASSERT_TRUE(builder.Append(kNow, std::nullopt, AsBytes(value)).ok());
  }
  const Bytes bytes = ToBytes(*builder.Build());
  for (const auto& [type, low, high] :
       {std::tuple{"gzip", "1", "9"}, {"lz4", "9", "12"}, {"zstd", "1", "19"}}) {
    const std::string key = absl::StrCat("compression.", type, ".level");
    Bytes fast;
    Bytes small;
    ASSERT_TRUE(Apply(bytes, Config({{"compression.type", type}, {key, low}}), &fast).ok());
    ASSERT_TRUE(Apply(bytes, Config({{"compression.type", type}, {key, high}}), &small).ok());
    EXPECT_LT(small.size(), fast.size()) << type;
  }
}

}  // namespace
}  // namespace sluice::broker
