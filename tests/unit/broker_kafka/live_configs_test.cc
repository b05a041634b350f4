// Topic configs changed on a running broker: each takes effect with the next request or round of maintenance,
// is kept over a restart, goes back to the broker's value when it is deleted, and is described with its
// source.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "absl/strings/match.h"
#include "proto/kafka/gen/describe_configs.h"
#include "proto/kafka/gen/incremental_alter_configs.h"
#include "proto/record/compression.h"
#include "tests/unit/broker_kafka/kafka_fixture.h"

namespace sluice {
namespace {

using testing::ElementsAre;

constexpr int8_t kTopic = 2;
constexpr int8_t kSet = 0;
constexpr int8_t kDelete = 1;
constexpr int8_t kFromTopic = 1;
constexpr int8_t kFromBroker = 4;
constexpr int8_t kFromDefault = 5;

class ClockHolder {
 protected:
  ManualClock clock_{absl::Now()};
};

class LiveConfigsTest : protected ClockHolder, public KafkaTest {
 protected:
  explicit LiveConfigsTest(std::map<std::string, std::string> configs = {})
      : KafkaTest({.configs = std::move(configs), .clock = &clock_}) {
    broker_.CreateTopic("orders");
  }

  void Alter(const std::string& key, int8_t operation, std::optional<std::string> value) {
    kafka::IncrementalAlterConfigsRequest request;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = kTopic;
    resource.resource_name = "orders";
    auto& config = resource.configs.emplace_back();
    config.name = key;
    config.config_operation = operation;
    config.value = std::move(value);
    const auto response = client_.Call(request, 1).responses.at(0);
    ASSERT_EQ(Name(response.error_code), "NONE") << key << ": " << response.error_message.value_or("");
  }
  void Set(const std::string& key, const std::string& value) { Alter(key, kSet, value); }
  void Unset(const std::string& key) { Alter(key, kDelete, std::nullopt); }
  void Restart() {
    broker_.Restart();
    client_ = broker_.Connect();
  }

  auto Describe(const std::string& key) {
    kafka::DescribeConfigsRequest request;
    request.include_synonyms = true;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = kTopic;
    resource.resource_name = "orders";
    resource.configuration_keys = {key};
    return client_.Call(request, 4).results.at(0).configs.at(0);
  }
  std::vector<int8_t> SynonymSources(const std::string& key) {
    std::vector<int8_t> sources;
    for (const auto& synonym : Describe(key).synonyms) {
      sources.push_back(synonym.source);
    }
    return sources;
  }

  std::string TryProduce(ByteView batch) {
    return Name(OnlyPartition(client_.Call(MakeProduce("orders", batch), kProduceByName)).error_code);
  }
  Bytes BatchAt(int64_t timestamp_ms) {
    record::BatchBuilder builder;
    CHECK_OK(builder.Append(timestamp_ms, std::nullopt, AsBytes("value")));
    return ToBytes(*builder.Build());
  }
  Bytes LargeBatch() { return MakeBatch({std::string(700'000, 'x')}); }
  storage::Log& Log() { return broker_.log("orders"); }

  template <class Condition>
  static bool Eventually(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition() && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
    }
    return condition();
  }
  size_t DeletedFiles() {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(Log().directory())) {
      count += absl::EndsWith(entry.path().string(), ".deleted") ? 1 : 0;
    }
    return count;
  }
};

struct KeyAndValue {
  const char* key;
  const char* value;
  const char* broker_key;
};
constexpr KeyAndValue kKeys[] = {
    {"compression.type", "zstd", "compression.type"},
    {"compression.gzip.level", "5", "compression.gzip.level"},
    {"compression.lz4.level", "12", "compression.lz4.level"},
    {"compression.zstd.level", "7", "compression.zstd.level"},
    {"file.delete.delay.ms", "1234", "log.segment.delete.delay.ms"},
    {"flush.messages", "10", "log.flush.interval.messages"},
    {"flush.ms", "5000", "log.flush.interval.ms"},
    {"index.interval.bytes", "8192", "log.index.interval.bytes"},
    {"max.message.bytes", "2000000", "message.max.bytes"},
    {"message.timestamp.type", "LogAppendTime", "log.message.timestamp.type"},
    {"message.timestamp.before.max.ms", "60000", "log.message.timestamp.before.max.ms"},
    {"message.timestamp.after.max.ms", "60000", "log.message.timestamp.after.max.ms"},
    {"retention.bytes", "10000000", "log.retention.bytes"},
    {"retention.ms", "7200000", "log.retention.ms"},
    {"segment.bytes", "2097152", "log.segment.bytes"},
    {"segment.ms", "7200000", "log.roll.ms"},
    {"segment.jitter.ms", "1000", "log.roll.jitter.ms"},
    {"sluice.durability", "page-cache", "sluice.durability"},
};

TEST_F(LiveConfigsTest, EveryKeyIsDescribedWithItsSourceKeptAndGivenBack) {
  for (const auto& [key, value, broker_key] : kKeys) {
    EXPECT_EQ(Describe(key).config_source, kFromDefault) << key;
    Set(key, value);
  }
  Restart();
  for (const auto& [key, value, broker_key] : kKeys) {
    const auto described = Describe(key);
    EXPECT_EQ(described.config_source, kFromTopic) << key;
    EXPECT_EQ(described.value, value) << key;
    EXPECT_FALSE(described.read_only) << key;
    EXPECT_THAT(SynonymSources(key), ElementsAre(kFromTopic, kFromDefault)) << key;
    EXPECT_EQ(described.synonyms.back().name, broker_key);
    Unset(key);
    EXPECT_EQ(Describe(key).config_source, kFromDefault) << key;
  }
  Restart();
  for (const auto& [key, value, broker_key] : kKeys) {
    EXPECT_EQ(Describe(key).config_source, kFromDefault) << key;
  }
}

std::map<std::string, std::string> AllOfTheBroker() {
  std::map<std::string, std::string> configs;
  for (const auto& [key, value, broker_key] : kKeys) {
    configs[broker_key] = value;
  }
  return configs;
}

class BrokerSideTest : public LiveConfigsTest {
 protected:
  BrokerSideTest() : LiveConfigsTest(AllOfTheBroker()) {}
};

TEST_F(BrokerSideTest, TheBrokersValueIsTheTopicsUntilItHasItsOwn) {
  for (const auto& [key, value, broker_key] : kKeys) {
    const auto described = Describe(key);
    EXPECT_EQ(described.config_source, kFromBroker) << key;
    EXPECT_EQ(described.value, value) << key;
    EXPECT_THAT(SynonymSources(key), ElementsAre(kFromBroker, kFromDefault)) << key;
    Set(key, value);
    EXPECT_THAT(SynonymSources(key), ElementsAre(kFromTopic, kFromBroker, kFromDefault)) << key;
  }
}

class SpellingsTest : public LiveConfigsTest {
 protected:
  SpellingsTest()
      : LiveConfigsTest({{"log.retention.minutes", "30"},
                         {"log.retention.hours", "5"},
                         {"log.roll.hours", "2"},
                         {"log.roll.jitter.hours", "1"}}) {}
};

TEST_F(SpellingsTest, MinutesWinOverHoursAndSynonymsNameWhatWasSet) {
  const auto retention = Describe("retention.ms");
  EXPECT_EQ(retention.value, "1800000");
  EXPECT_EQ(retention.config_source, kFromBroker);
  ASSERT_EQ(retention.synonyms.size(), 3u);
  EXPECT_EQ(retention.synonyms[0].name, "log.retention.minutes");
  EXPECT_EQ(retention.synonyms[0].value, "30");
  EXPECT_EQ(retention.synonyms[1].name, "log.retention.hours");
  EXPECT_EQ(retention.synonyms[1].value, "5");
  EXPECT_EQ(retention.synonyms[2].source, kFromDefault);
  EXPECT_EQ(Describe("segment.ms").value, "7200000");
  EXPECT_EQ(Describe("segment.jitter.ms").value, "3600000");
}

TEST_F(LiveConfigsTest, MaxMessageBytes) {
  const Bytes batch = MakeBatch({std::string(2000, 'x')});
  EXPECT_EQ(TryProduce(batch), "NONE");
  Set("max.message.bytes", "1000");
  EXPECT_EQ(TryProduce(batch), "MESSAGE_TOO_LARGE");
  Restart();
  EXPECT_EQ(TryProduce(batch), "MESSAGE_TOO_LARGE");
  Unset("max.message.bytes");
  EXPECT_EQ(TryProduce(batch), "NONE");
}

TEST_F(LiveConfigsTest, MessageTimestampType) {
  const Bytes batch = MakeBatch({"value"});
  const auto append_time = [&] {
    return OnlyPartition(client_.Call(MakeProduce("orders", batch), kProduceByName)).log_append_time_ms;
  };
  EXPECT_EQ(append_time(), -1);
  Set("message.timestamp.type", "LogAppendTime");
  EXPECT_EQ(append_time(), clock_.NowMs());
  Restart();
  EXPECT_EQ(append_time(), clock_.NowMs());
  Unset("message.timestamp.type");
  EXPECT_EQ(append_time(), -1);
}

TEST_F(LiveConfigsTest, MessageTimestampLimits) {
  const Bytes old = BatchAt(clock_.NowMs() - 10'000);
  const Bytes ahead = BatchAt(clock_.NowMs() + 10'000);
  EXPECT_EQ(TryProduce(old), "NONE");
  EXPECT_EQ(TryProduce(ahead), "NONE");
  Set("message.timestamp.before.max.ms", "5000");
  Set("message.timestamp.after.max.ms", "5000");
  EXPECT_EQ(TryProduce(old), "INVALID_TIMESTAMP");
  EXPECT_EQ(TryProduce(ahead), "INVALID_TIMESTAMP");
  Restart();
  EXPECT_EQ(TryProduce(old), "INVALID_TIMESTAMP");
  EXPECT_EQ(TryProduce(ahead), "INVALID_TIMESTAMP");
  Set("message.timestamp.before.max.ms", "20s");
  Unset("message.timestamp.after.max.ms");
  EXPECT_EQ(TryProduce(old), "NONE");
  EXPECT_EQ(TryProduce(ahead), "NONE");
}

TEST_F(LiveConfigsTest, CompressionType) {
  const auto codec_at = [&](int64_t offset) {
    const auto response = client_.Call(MakeFetch("orders", {.offset = offset}), kFetchByName);
    return record::BatchView(OnlyPartition(response).records->bytes).codec();
  };
  const Bytes batch = MakeBatch({"a", "b"}, {.codec = record::Codec::kSnappy});
  Produce("orders", batch);
  EXPECT_EQ(codec_at(0), record::Codec::kSnappy);
  Set("compression.type", "gzip");
  Produce("orders", batch);
  Restart();
  Produce("orders", batch);
  Set("compression.type", "uncompressed");
  Produce("orders", batch);
  EXPECT_EQ(codec_at(2), record::Codec::kGzip);
  EXPECT_EQ(codec_at(4), record::Codec::kGzip);
  EXPECT_EQ(codec_at(6), record::Codec::kNone);
  EXPECT_THAT(Fetch("orders", {.offset = 6}), ElementsAre("a", "b"));
}

TEST_F(LiveConfigsTest, CompressedAnewAProducersBatchesKeepTheirOrderAndAreTakenOnce) {
  Set("compression.type", "zstd");
  constexpr int kBatches = 100;
  std::vector<Bytes> batches;
  for (int i = 0; i < kBatches; ++i) {
    batches.push_back(MakeBatch({absl::StrCat("value ", i)}, {.codec = record::Codec::kLz4,
                                                              .producer_id = ProducerId(5),
                                                              .producer_epoch = ProducerEpoch(0),
                                                              .base_sequence = i}));
    client_.Send(MakeProduce("orders", batches.back()), kProduceByName);  // Pipelined.
  }
  for (int i = 0; i < kBatches; ++i) {
    const auto response = client_.Receive<kafka::ProduceResponse>();
    EXPECT_EQ(Name(OnlyPartition(response).error_code), "NONE");
    EXPECT_EQ(OnlyPartition(response).base_offset, i);
  }
  const auto again = client_.Call(MakeProduce("orders", batches.back()), kProduceByName);
  EXPECT_EQ(OnlyPartition(again).base_offset, kBatches - 1) << "a retry is known by its sequence";
  EXPECT_EQ(Log().end().value(), kBatches);
}

TEST_F(LiveConfigsTest, CompressedAnewTheResultMustFit) {
  Set("compression.type", "uncompressed");
  Set("max.message.bytes", "1000");
  EXPECT_EQ(TryProduce(MakeBatch({std::string(5000, 'x')}, {.codec = record::Codec::kZstd})),
            "MESSAGE_TOO_LARGE");
  EXPECT_EQ(Log().end().value(), 0);
}

TEST_F(LiveConfigsTest, ZstdTopicsTellOldConsumersThatTheyCannotRead) {
  Set("compression.type", "zstd");
  Produce("orders", {"value"});
  const auto old = client_.Call(MakeFetch("orders"), 9);
  EXPECT_EQ(Name(OnlyPartition(old).error_code), "UNSUPPORTED_COMPRESSION_TYPE");
  EXPECT_EQ(Name(OnlyPartition(client_.Call(MakeFetch("orders"), 10)).error_code), "NONE");
}

TEST_F(LiveConfigsTest, SegmentBytes) {
  Set("segment.bytes", "1048576");
  const Bytes batch = LargeBatch();
  Produce("orders", batch);
  Produce("orders", batch);
  EXPECT_EQ(Log().segment_count(), 2u);
  Restart();
  Produce("orders", batch);
  EXPECT_EQ(Log().segment_count(), 3u);
  Set("segment.bytes", "10485760");
  Produce("orders", batch);  // The open segment has its limit.
  Produce("orders", batch);
  Produce("orders", batch);
  EXPECT_EQ(Log().segment_count(), 4u);
}

TEST_F(LiveConfigsTest, SegmentMs) {
  Produce("orders", {"old"});
  clock_.Advance(absl::Seconds(10));
  broker_.Tick();
  EXPECT_EQ(Log().segment_count(), 1u);
  Set("segment.ms", "5000");
  broker_.Tick();
  EXPECT_EQ(Log().segment_count(), 2u);
  Restart();
  Produce("orders", {"new"});
  clock_.Advance(absl::Seconds(6));
  broker_.Tick();
  EXPECT_EQ(Log().segment_count(), 3u);
}

TEST_F(LiveConfigsTest, RetentionMs) {
  Produce("orders", {"a", "b"});
  clock_.Advance(absl::Hours(1));
  broker_.Tick();
  EXPECT_EQ(Log().start().value(), 0);
  Set("retention.ms", "60000");
  broker_.Tick();
  EXPECT_TRUE(Eventually([&] {
    broker_.Tick();
    return Log().start().value() == 2;
  }));
  Produce("orders", BatchAt(clock_.NowMs()));
  Restart();
  clock_.Advance(absl::Seconds(61));
  EXPECT_TRUE(Eventually([&] {
    broker_.Tick();
    return Log().start().value() == 3;
  }));
}

TEST_F(LiveConfigsTest, RetentionBytesAndFileDeleteDelayMs) {
  Set("segment.bytes", "1048576");
  const Bytes batch = LargeBatch();
  for (int i = 0; i < 4; ++i) {
    Produce("orders", batch);
  }
  broker_.Tick();
  EXPECT_EQ(Log().start().value(), 0);
  Set("retention.bytes", "1400000");
  broker_.Tick();
  EXPECT_EQ(Log().start().value(), 2);
  EXPECT_EQ(DeletedFiles(), 2u) << "they stay for file.delete.delay.ms";
  clock_.Advance(absl::Seconds(61));
  EXPECT_TRUE(Eventually([&] {
    broker_.Tick();
    return DeletedFiles() == 0;
  }));
  Set("file.delete.delay.ms", "0");
  Produce("orders", batch);
  EXPECT_TRUE(Eventually([&] {
    broker_.Tick();
    return Log().start().value() == 3 && DeletedFiles() == 0;
  }));
}

class PageCacheTest : public LiveConfigsTest {
 protected:
  PageCacheTest() : LiveConfigsTest({{"sluice.durability", "page-cache"}}) {}
  bool AllIsDurable() { return Log().durable_end() == Log().end(); }
};

TEST_F(PageCacheTest, FlushMessages) {
  Produce("orders", {"a", "b", "c"});
  EXPECT_FALSE(AllIsDurable());
  Set("flush.messages", "2");
  Produce("orders", {"d"});
  EXPECT_TRUE(Eventually([&] { return AllIsDurable(); }));
  Restart();
  Produce("orders", {"e", "f"});
  EXPECT_TRUE(Eventually([&] { return AllIsDurable(); }));
}

TEST_F(PageCacheTest, FlushMs) {
  Produce("orders", {"a"});
  clock_.Advance(absl::Hours(1));
  broker_.Tick();
  EXPECT_FALSE(AllIsDurable());
  Set("flush.ms", "1000");
  clock_.Advance(absl::Seconds(2));
  broker_.Tick();
  EXPECT_TRUE(Eventually([&] { return AllIsDurable(); }));
}

TEST_F(PageCacheTest, SluiceDurability) {
  Produce("orders", {"a"});
  EXPECT_FALSE(AllIsDurable());
  Set("sluice.durability", "synced");
  EXPECT_TRUE(Eventually([&] { return AllIsDurable(); }));
  EXPECT_EQ(Produce("orders", {"b"}), 1);
  EXPECT_TRUE(AllIsDurable()) << "acks=all of a synced topic";
}

TEST_F(LiveConfigsTest, NamesThatKafkaRemovedSayWhatToSetInstead) {
  const auto resolved =
      broker::TopicConfig::Resolve(broker_.config(), {{"message.timestamp.difference.max.ms", "1"}});
  EXPECT_EQ(resolved.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(resolved.status().message()),
              testing::HasSubstr("message.timestamp.before.max.ms"));
}

}  // namespace
}  // namespace sluice
