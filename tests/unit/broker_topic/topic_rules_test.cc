#include "broker/topic/topic_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/config/config_def.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(TopicRulesTest, NamesAreKafkas) {
  for (const std::string& good :
       {std::string("a"), std::string("A.b_c-9"), std::string(249, 'x'), std::string("...")}) {
    EXPECT_TRUE(CheckTopicName(good).ok()) << good;
  }
  for (const std::string& bad :
       {std::string(), std::string("."), std::string(".."), std::string(250, 'x'), std::string("a b"),
        std::string("a/b"), std::string("\xc3\xa9"), std::string("a\0", 2)}) {
    EXPECT_EQ(CheckTopicName(bad).code, ErrorCode::kInvalidTopicException) << bad;
  }
}

TEST(TopicRulesTest, PartitionsAreCountedAgainstTheBrokersLimit) {
  EXPECT_TRUE(CheckPartitionCount(10, {.used = 90, .configured = 100}).ok());
  EXPECT_THAT(CheckPartitionCount(11, {.used = 90, .configured = 100}).message,
              HasSubstr("holds 90 of at most 100"));
  const PartitionRoom few_files{.used = 90, .configured = 100, .open_files_for = 95};
  EXPECT_TRUE(CheckPartitionCount(5, few_files).ok());
  EXPECT_THAT(CheckPartitionCount(6, few_files).message,
              HasSubstr("of at most 95; delete topics, ask for fewer, or give"));
  EXPECT_EQ(CheckPartitionCount(-7, {.used = 0, .configured = 100}).code, ErrorCode::kInvalidPartitions);
}

TEST(TopicRulesTest, ChangesApplyInOrder) {
  const BrokerConfig broker = BrokerConfig::Defaults();
  std::map<std::string, std::string> overrides = {{"retention.ms", "1"}};
  const TopicError error =
      ApplyChanges({{.name = "retention.ms", .op = ConfigChange::Op::kDelete},
                    {.name = "segment.ms", .value = "5"},
                    {.name = "cleanup.policy", .op = ConfigChange::Op::kAppend, .value = "compact"}},
                   broker, &overrides);
  EXPECT_TRUE(error.ok()) << error.message;
  EXPECT_THAT(overrides,
              ElementsAre(std::pair("cleanup.policy", "delete,compact"), std::pair("segment.ms", "5")));
}

TEST(TopicRulesTest, ListsLoseWhatIsSubtracted) {
  const BrokerConfig broker = BrokerConfig::Defaults();
  std::map<std::string, std::string> overrides = {{"cleanup.policy", "delete,compact"}};
  EXPECT_TRUE(ApplyChanges({{.name = "cleanup.policy", .op = ConfigChange::Op::kSubtract, .value = "delete"}},
                           broker, &overrides)
                  .ok());
  EXPECT_EQ(overrides["cleanup.policy"], "compact");
}

TEST(TopicRulesTest, OnlyListsGrowAndUnknownNamesAreRefused) {
  const BrokerConfig broker = BrokerConfig::Defaults();
  std::map<std::string, std::string> overrides;
  EXPECT_THAT(ApplyChanges({{.name = "retention.ms", .op = ConfigChange::Op::kAppend, .value = "1"}}, broker,
                           &overrides)
                  .message,
              HasSubstr("is no list"));
  EXPECT_EQ(ApplyChanges({{.name = "nope", .value = "1"}}, broker, &overrides).code,
            ErrorCode::kInvalidConfig);
}

TEST(TopicRulesTest, ClientsMakeTopicsButTheBrokersOwn) {
  EXPECT_TRUE(CheckClientMayCreate("orders").ok());
  EXPECT_TRUE(CheckClientMayCreate("__mine").ok());
  EXPECT_EQ(CheckClientMayCreate("__consumer_offsets").code, ErrorCode::kInvalidTopicException);
  EXPECT_EQ(CheckClientMayCreate("__transaction_state").code, ErrorCode::kInvalidTopicException);
  EXPECT_EQ(CheckClientMayCreate("__cluster_metadata").code, ErrorCode::kTopicAuthorizationFailed);
}

TEST(BrokerChangesTest, WhatTopicsTakeTheirDefaultsFromChanges) {
  for (const ConfigDef& def : BrokerConfigDefs()) {
    bool is_default_of_a_topic = false;
    for (const ConfigDef& of_topic : TopicConfigDefs()) {
      is_default_of_a_topic = is_default_of_a_topic || of_topic.broker_synonym == def.name;
    }
    EXPECT_EQ(IsDynamicConfig(def.name), is_default_of_a_topic) << def.name;
  }
  EXPECT_FALSE(IsDynamicConfig(""));
}

TEST(BrokerChangesTest, ValuesAreKeptInTheirOneSpelling) {
  DynamicConfigs::Values values = {{"log.roll.ms", "5"}};
  const TopicError error = ApplyBrokerChanges(
      {{.name = "log.retention.ms", .value = "7d"}, {.name = "log.roll.ms", .op = ConfigChange::Op::kDelete}},
      BrokerConfig::Defaults(), &values);
  EXPECT_TRUE(error.ok()) << error.message;
  EXPECT_THAT(values, ElementsAre(std::pair("log.retention.ms", "604800000")));
}

TEST(BrokerChangesTest, OwnValuesAreBeforeThoseOfAllAndTheStart) {
  const DynamicConfigs dynamic = {.own = {{"log.roll.ms", "1"}},
                                  .all = {{"log.roll.ms", "2"}, {"log.retention.ms", "3"}}};
  const BrokerConfig config = dynamic.Over(BrokerConfig::Defaults());
  EXPECT_EQ(config.Int("log.roll.ms"), 1);
  EXPECT_EQ(config.SourceOf("log.roll.ms"), BrokerConfig::Source::kDynamic);
  EXPECT_EQ(config.Int("log.retention.ms"), 3);
  EXPECT_EQ(config.SourceOf("log.retention.ms"), BrokerConfig::Source::kDynamicDefault);
  EXPECT_EQ(config.SourceOf("log.segment.bytes"), BrokerConfig::Source::kDefault);
}

}  // namespace
}  // namespace sluice::broker
