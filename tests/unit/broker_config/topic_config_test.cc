#include "broker/config/topic_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::broker {
namespace {

using ::testing::HasSubstr;

BrokerConfig Broker(std::vector<std::pair<std::string, std::string>> sets) {
  auto config = BrokerConfig::Load({.sets = std::move(sets)});
  EXPECT_TRUE(config.ok()) << config.status();
  return *std::move(config);
}

std::string ErrorOf(const std::map<std::string, std::string>& overrides) {
  return std::string(TopicConfig::Resolve(BrokerConfig::Defaults(), overrides).status().message());
}

TEST(TopicConfigTest, OverridesWinOverTheBrokersDefaults) {
  const BrokerConfig broker = Broker({{"log.retention.ms", "1h"}, {"log.segment.bytes", "2MiB"}});
  const auto config = TopicConfig::Resolve(broker, {{"retention.ms", "5m"}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->log().retention_ms, 300'000);
  EXPECT_EQ(config->log().segment_bytes, 2 << 20);
  EXPECT_EQ(config->log().segment_ms, 604'800'000);
}

TEST(TopicConfigTest, EveryLogOptionIsResolved) {
  const BrokerConfig broker = Broker({{"log.append.method", "pwrite"}});
  const auto config = TopicConfig::Resolve(broker, {{"segment.bytes", "1048577"},
                                                    {"segment.ms", "11"},
                                                    {"retention.bytes", "12"},
                                                    {"retention.ms", "13"},
                                                    {"index.interval.bytes", "14"},
                                                    {"flush.messages", "15"},
                                                    {"flush.ms", "16"},
                                                    {"file.delete.delay.ms", "17"},
                                                    {"message.timestamp.type", "LogAppendTime"},
                                                    {"sluice.durability", "page-cache"},
                                                    {"max.message.bytes", "18"},
                                                    {"message.timestamp.before.max.ms", "19"},
                                                    {"message.timestamp.after.max.ms", "20"}});
  ASSERT_TRUE(config.ok()) << config.status();
  const storage::LogOptions& log = config->log();
  EXPECT_EQ(log.segment_bytes, 1048577);
  EXPECT_EQ(log.segment_ms, 11);
  EXPECT_EQ(log.retention_bytes, 12);
  EXPECT_EQ(log.retention_ms, 13);
  EXPECT_EQ(log.index_interval_bytes, 14);
  EXPECT_EQ(log.flush_messages, 15);
  EXPECT_EQ(log.flush_ms, 16);
  EXPECT_EQ(log.file_delete_delay_ms, 17);
  EXPECT_EQ(log.timestamp_type, record::TimestampType::kLogAppendTime);
  EXPECT_EQ(log.durability, storage::Durability::kPageCache);
  EXPECT_EQ(log.append_method, storage::AppendMethod::kPwrite);
  EXPECT_EQ(config->max_message_bytes(), 18);
  EXPECT_EQ(config->timestamp_before_max_ms(), 19);
  EXPECT_EQ(config->timestamp_after_max_ms(), 20);
  EXPECT_FALSE(config->compacted());
}

TEST(TopicConfigTest, DescribeTellsValueAndSource) {
  const BrokerConfig broker = Broker({{"log.retention.hours", "1"}});
  const auto config = TopicConfig::Resolve(broker, {{"segment.bytes", "4MiB"}});
  ASSERT_TRUE(config.ok());
  std::map<std::string, std::pair<std::string, int>> described;
  for (const TopicConfig::Described& entry : config->Describe(broker)) {
    described[std::string(entry.def->name)] = {entry.value, entry.source};
  }
  EXPECT_EQ(described.size(), TopicConfigDefs().size());
  EXPECT_EQ(described["segment.bytes"], (std::pair<std::string, int>{"4194304", 1}));
  EXPECT_EQ(described["retention.ms"], (std::pair<std::string, int>{"3600000", 4}));
  EXPECT_EQ(described["max.message.bytes"], (std::pair<std::string, int>{"1048588", 5}));
  EXPECT_EQ(described["min.cleanable.dirty.ratio"], (std::pair<std::string, int>{"0.5", 5}));
}

TEST(TopicConfigTest, OverridesAreKeptInOneSpelling) {
  const auto config = TopicConfig::Resolve(BrokerConfig::Defaults(), {{"retention.ms", "7d"}});
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->overrides().at("retention.ms"), "604800000");
}

TEST(TopicConfigTest, WhatIsNotDoneYetIsRefusedInASentence) {
  EXPECT_THAT(ErrorOf({{"remote.storage.enable", "true"}}), HasSubstr("Tiered storage is not supported"));
}

TEST(TopicConfigTest, CompactionKeysReachTheLogWithTheBrokersDefaults) {
  const BrokerConfig broker = Broker({{"log.cleaner.min.cleanable.ratio", "0.3"},
                                      {"log.cleaner.delete.retention.ms", "1h"},
                                      {"log.cleaner.max.compaction.lag.ms", "7d"}});
  const auto by_default = TopicConfig::Resolve(broker, {});
  ASSERT_TRUE(by_default.ok());
  EXPECT_TRUE(by_default->log().cleanup_delete);
  EXPECT_FALSE(by_default->log().cleanup_compact);
  EXPECT_FALSE(by_default->compacted());
  EXPECT_EQ(by_default->log().min_cleanable_dirty_ratio, 0.3);
  EXPECT_EQ(by_default->log().delete_retention_ms, 3'600'000);
  EXPECT_EQ(by_default->log().max_compaction_lag_ms, 604'800'000);

  const auto compact = TopicConfig::Resolve(
      broker,
      {{"cleanup.policy", "compact"}, {"min.cleanable.dirty.ratio", "0.9"}, {"min.compaction.lag.ms", "5s"}});
  ASSERT_TRUE(compact.ok());
  EXPECT_FALSE(compact->log().cleanup_delete);
  EXPECT_TRUE(compact->compacted());
  EXPECT_EQ(compact->log().min_cleanable_dirty_ratio, 0.9);
  EXPECT_EQ(compact->log().min_compaction_lag_ms, 5000);

  const auto both = TopicConfig::Resolve(broker, {{"cleanup.policy", "compact,delete"}});
  ASSERT_TRUE(both.ok());
  EXPECT_TRUE(both->log().cleanup_delete && both->log().cleanup_compact);
}

TEST(TopicConfigTest, CompactionKeysThatContradictAreRefused) {
  EXPECT_THAT(ErrorOf({{"cleanup.policy", "shrink"}}), HasSubstr("\"shrink\" is not allowed"));
  EXPECT_THAT(ErrorOf({{"min.compaction.lag.ms", "2000"}, {"max.compaction.lag.ms", "1000"}}),
              HasSubstr("min.compaction.lag.ms"));
}

TEST(TopicConfigTest, UnknownKeyIsAnsweredWithTheNearest) {
  EXPECT_EQ(ErrorOf({{"retenton.ms", "1"}}),
            "unknown config \"retenton.ms\"; did you mean \"retention.ms\"?");
}

}  // namespace
}  // namespace sluice::broker
