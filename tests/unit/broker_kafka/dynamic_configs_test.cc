// Configs of the broker that change while it runs: topics without a value of their own follow at once, the
// change is there after a restart, and DescribeConfigs says where each value comes from.
#include <gmock/gmock.h>

#include "proto/kafka/gen/alter_configs.h"
#include "proto/kafka/gen/create_topics.h"
#include "proto/kafka/gen/describe_configs.h"
#include "proto/kafka/gen/incremental_alter_configs.h"
#include "tests/unit/broker_kafka/kafka_fixture.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int8_t kTopic = 2;
constexpr int8_t kBroker = 4;
constexpr int8_t kSet = 0;
constexpr int8_t kDelete = 1;
constexpr int8_t kAppend = 2;
constexpr char kOwn[] = "1";
constexpr char kAll[] = "";
constexpr char kLimit[] = "message.max.bytes";

class DynamicConfigsTest : public KafkaTest {
 protected:
  DynamicConfigsTest() : KafkaTest({.configs = {{"log.retention.ms", "7000000"}}}) {
    broker_.CreateTopic("follows");
    broker_.CreateTopic("has-its-own", 1, {{"max.message.bytes", "5000"}});
  }

  auto Change(const std::string& resource, const std::string& key, int8_t operation,
              std::optional<std::string> value, bool validate_only = false) {
    kafka::IncrementalAlterConfigsRequest request;
    request.validate_only = validate_only;
    auto& asked = request.resources.emplace_back();
    asked.resource_type = kBroker;
    asked.resource_name = resource;
    auto& config = asked.configs.emplace_back();
    config.name = key;
    config.config_operation = operation;
    config.value = std::move(value);
    return client_.Call(request, 1).responses.at(0);
  }
  void Set(const std::string& resource, const std::string& key, const std::string& value) {
    const auto response = Change(resource, key, kSet, value);
    EXPECT_EQ(Name(response.error_code), "NONE") << response.error_message.value_or("");
  }
  auto Describe(int8_t type, const std::string& name, std::optional<std::vector<std::string>> keys = {}) {
    kafka::DescribeConfigsRequest request;
    request.include_synonyms = true;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = type;
    resource.resource_name = name;
    resource.configuration_keys = std::move(keys);
    return client_.Call(request, 4).results.at(0).configs;
  }
  // "value from source", then the same of each synonym.
  std::vector<std::string> Told(int8_t type, const std::string& name, const std::string& key) {
    const auto config = Describe(type, name, std::vector{key}).at(0);
    std::vector<std::string> told = {Text(config.value, config.config_source)};
    for (const auto& synonym : config.synonyms) {
      told.push_back(Text(synonym.value, synonym.source));
    }
    return told;
  }
  static std::string Text(const std::optional<std::string>& value, int8_t source) {
    return absl::StrCat(value.value_or("(null)"), " from ", static_cast<int>(source));
  }
  int64_t LimitOf(const std::string& topic) {
    return broker_.catalog().Find(topic)->config.max_message_bytes();
  }
  void Restart() {
    broker_.Restart();
    client_ = broker_.Connect();
  }
};

TEST_F(DynamicConfigsTest, TopicsWithoutAValueOfTheirOwnFollow) {
  Set(kOwn, kLimit, "2000");
  EXPECT_EQ(LimitOf("follows"), 2000);
  EXPECT_EQ(LimitOf("has-its-own"), 5000);
  const Bytes large = MakeBatch({std::string(3000, 'x')});
  EXPECT_EQ(Name(OnlyPartition(client_.Call(MakeProduce("follows", large), kProduceByName)).error_code),
            "MESSAGE_TOO_LARGE");
  EXPECT_EQ(Produce("has-its-own", large), 0);

  EXPECT_EQ(Name(Change(kOwn, kLimit, kDelete, std::nullopt).error_code), "NONE");
  EXPECT_EQ(Produce("follows", large), 0);
}

TEST_F(DynamicConfigsTest, TopicsThatAreMadeLaterFollowToo) {
  Set(kAll, kLimit, "2000");
  broker_.CreateTopic("later");
  EXPECT_EQ(LimitOf("later"), 2000);
}

TEST_F(DynamicConfigsTest, ThisBrokersOwnValueIsBeforeThatOfAllAndOfTheStart) {
  const std::string key = "log.retention.ms";
  EXPECT_THAT(Told(kBroker, kOwn, key), ElementsAre("7000000 from 4", "7000000 from 4", "604800000 from 5"));
  Set(kAll, key, "8000000");
  EXPECT_THAT(Told(kBroker, kOwn, key),
              ElementsAre("8000000 from 3", "8000000 from 3", "7000000 from 4", "604800000 from 5"));
  Set(kOwn, key, "9000000");
  EXPECT_THAT(Told(kBroker, kOwn, key), ElementsAre("9000000 from 2", "9000000 from 2", "8000000 from 3",
                                                    "7000000 from 4", "604800000 from 5"));
  EXPECT_THAT(Told(kTopic, "follows", "retention.ms"),
              ElementsAre("9000000 from 2", "9000000 from 2", "8000000 from 3", "7000000 from 4",
                          "604800000 from 5"));
  EXPECT_EQ(broker_.catalog().Find("follows")->config.log().retention_ms, 9'000'000);
  EXPECT_EQ(Name(Change(kOwn, key, kDelete, std::nullopt).error_code), "NONE");
  EXPECT_EQ(broker_.catalog().Find("follows")->config.log().retention_ms, 8'000'000);
}

TEST_F(DynamicConfigsTest, BrokerWithoutANameIsWhatWasSetForAll) {
  EXPECT_THAT(Describe(kBroker, kAll), IsEmpty());
  Set(kOwn, "log.roll.ms", "60000");
  Set(kAll, kLimit, "2000");
  const auto configs = Describe(kBroker, kAll);
  ASSERT_EQ(configs.size(), 1u);
  EXPECT_EQ(configs[0].name, kLimit);
  EXPECT_EQ(configs[0].value, "2000");
  EXPECT_EQ(configs[0].config_source, 3);
  EXPECT_FALSE(configs[0].read_only);
}

TEST_F(DynamicConfigsTest, ChangesAreThereAfterARestart) {
  Set(kAll, kLimit, "2000");
  Set(kOwn, "log.retention.ms", "1d");
  Restart();
  EXPECT_EQ(LimitOf("follows"), 2000);
  EXPECT_THAT(Told(kBroker, kOwn, "log.retention.ms"),
              ElementsAre("86400000 from 2", "86400000 from 2", "7000000 from 4", "604800000 from 5"));
}

TEST_F(DynamicConfigsTest, ListsGrowFromWhatHolds) {
  EXPECT_EQ(Name(Change(kOwn, "log.cleanup.policy", kAppend, "compact").error_code), "NONE");
  const broker::TopicPtr topic = broker_.catalog().Find("follows");
  EXPECT_TRUE(topic->config.compacted());
  EXPECT_TRUE(topic->config.deletes());
  EXPECT_EQ(Name(Change(kOwn, kLimit, kAppend, "1").error_code), "INVALID_CONFIG");
}

TEST_F(DynamicConfigsTest, WhatIsReadAtTheStartOnlyIsRefusedWithAReason) {
  for (const std::string resource : {kOwn, kAll}) {
    for (const char* key : {"num.partitions", "listeners", "log.dirs", "num.network.threads"}) {
      const auto refused = Change(resource, key, kSet, "1");
      EXPECT_EQ(Name(refused.error_code), "INVALID_REQUEST") << key;
      EXPECT_THAT(refused.error_message.value_or(""), HasSubstr("while the broker runs"));
    }
  }
}

TEST_F(DynamicConfigsTest, WrongValuesChangeNothing) {
  EXPECT_EQ(Name(Change(kOwn, kLimit, kSet, "many").error_code), "INVALID_CONFIG");
  EXPECT_EQ(Name(Change(kOwn, kLimit, kSet, "-1").error_code), "INVALID_CONFIG");
  EXPECT_EQ(Name(Change(kOwn, "no.such.key", kSet, "1").error_code), "INVALID_CONFIG");
  EXPECT_EQ(Name(Change("2", kLimit, kSet, "1").error_code), "INVALID_REQUEST");
  EXPECT_EQ(LimitOf("follows"), 1048588);
}

// A topic's own value may not go with the broker's new one.
TEST_F(DynamicConfigsTest, ValueThatATopicCannotHaveIsRefusedWithItsName) {
  broker_.CreateTopic("lagging", 1, {{"max.compaction.lag.ms", "1000"}});
  const auto refused = Change(kOwn, "log.cleaner.min.compaction.lag.ms", kSet, "2000");
  EXPECT_EQ(Name(refused.error_code), "INVALID_CONFIG");
  EXPECT_THAT(refused.error_message.value_or(""), HasSubstr("topic \"lagging\""));
  EXPECT_EQ(broker_.catalog().live_config()->dynamic.own.size(), 0u);
}

TEST_F(DynamicConfigsTest, ValidatingChangesNothing) {
  EXPECT_EQ(Name(Change(kOwn, kLimit, kSet, "2000", /*validate_only=*/true).error_code), "NONE");
  EXPECT_EQ(LimitOf("follows"), 1048588);
}

TEST_F(DynamicConfigsTest, AlterConfigsReplacesAllThatWasSet) {
  Set(kOwn, kLimit, "2000");
  Set(kAll, "log.roll.ms", "60000");
  for (int16_t version = 0; version <= 2; ++version) {
    kafka::AlterConfigsRequest request;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = kBroker;
    resource.resource_name = kOwn;
    auto& config = resource.configs.emplace_back();
    config.name = "log.retention.ms";
    config.value = absl::StrCat(100'000 + version);
    EXPECT_EQ(Name(client_.Call(request, version).responses.at(0).error_code), "NONE");
    const auto live = broker_.catalog().live_config();
    EXPECT_THAT(live->dynamic.own, ElementsAre(testing::Pair("log.retention.ms", *config.value)));
    EXPECT_EQ(live->dynamic.all.size(), 1u) << "what holds for all brokers is another resource";
  }
  EXPECT_EQ(LimitOf("follows"), 1048588);
}

TEST_F(DynamicConfigsTest, NewTopicIsDescribedWithWhatHolds) {
  Set(kOwn, kLimit, "2000");
  kafka::CreateTopicsRequest request;
  auto& topic = request.topics.emplace_back();
  topic.name = "new";
  topic.num_partitions = 1;
  topic.replication_factor = 1;
  const auto created = client_.Call(request, 7).topics.at(0);
  for (const auto& config : *created.configs) {
    if (config.name == "max.message.bytes") {
      EXPECT_EQ(config.value, "2000");
      EXPECT_EQ(config.config_source, 2);
    }
  }
}

}  // namespace
}  // namespace sluice
