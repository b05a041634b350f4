// Configs: described as user interfaces want them, and changed.
#include <gmock/gmock.h>

#include "broker/config/dynamic_config.h"
#include "proto/kafka/gen/alter_configs.h"
#include "proto/kafka/gen/describe_configs.h"
#include "proto/kafka/gen/incremental_alter_configs.h"
#include "proto/kafka/gen/list_config_resources.h"
#include "tests/unit/broker_kafka/kafka_fixture.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int8_t kTopic = 2;
constexpr int8_t kBroker = 4;
constexpr int8_t kBrokerLogger = 8;
constexpr int8_t kClientMetrics = 16;
constexpr int8_t kGroup = 32;
constexpr int8_t kSet = 0;
constexpr int8_t kDelete = 1;
constexpr int8_t kAppend = 2;

using Described = kafka::DescribeConfigsResponse::DescribeConfigsResourceResult;

class ConfigsTest : public KafkaTest {
 protected:
  ConfigsTest() : KafkaTest({.configs = {{"log.retention.bytes", "5000000"}}}) {
    broker_.CreateTopic("orders", 1, {{"retention.ms", "60000"}});
  }

  auto Describe(int8_t type, const std::string& name, int16_t version = 4,
                std::optional<std::vector<std::string>> keys = {}) {
    kafka::DescribeConfigsRequest request;
    request.include_synonyms = true;
    request.include_documentation = version >= 3;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = type;
    resource.resource_name = name;
    resource.configuration_keys = std::move(keys);
    return client_.Call(request, version).results.at(0);
  }
  Described DescribeOne(int8_t type, const std::string& name, const std::string& key) {
    const auto result = Describe(type, name, 4, std::vector{key});
    EXPECT_EQ(result.configs.size(), 1u);
    return result.configs.empty() ? Described() : result.configs[0];
  }

  auto Incremental(const std::string& key, int8_t operation, std::optional<std::string> value,
                   int16_t version = 1, int8_t type = kTopic, const std::string& name = "orders") {
    kafka::IncrementalAlterConfigsRequest request;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = type;
    resource.resource_name = name;
    auto& config = resource.configs.emplace_back();
    config.name = key;
    config.config_operation = operation;
    config.value = std::move(value);
    return client_.Call(request, version).responses.at(0);
  }
  const std::map<std::string, std::string>& Overrides() {
    topic_ = broker_.catalog().Find("orders");
    return topic_->config.overrides();
  }

  broker::TopicPtr topic_;
};

TEST_F(ConfigsTest, EveryVersionDescribesATopicWithAllItsConfigs) {
  for (int16_t version = 1; version <= 4; ++version) {
    const auto result = Describe(kTopic, "orders", version);
    EXPECT_EQ(Name(result.error_code), "NONE");
    EXPECT_EQ(result.resource_name, "orders");
    EXPECT_EQ(result.configs.size(), broker::TopicConfigDefs().size());
    for (const Described& config : result.configs) {
      EXPECT_TRUE(config.value.has_value()) << config.name;
      EXPECT_FALSE(config.read_only) << config.name;
      EXPECT_GE(config.config_source, 1) << config.name;
      EXPECT_FALSE(config.synonyms.empty()) << config.name;
      EXPECT_EQ(config.config_type != 0, version >= 3) << config.name;
      EXPECT_EQ(config.documentation.has_value(), version >= 3) << config.name;
    }
  }
}

TEST_F(ConfigsTest, SourceAndSynonymsTellWhereAValueComesFrom) {
  const Described own = DescribeOne(kTopic, "orders", "retention.ms");
  EXPECT_EQ(own.value, "60000");
  EXPECT_EQ(own.config_source, 1);
  EXPECT_EQ(own.synonyms.front().name, "retention.ms");
  EXPECT_EQ(own.synonyms.front().value, "60000");
  EXPECT_EQ(own.synonyms.front().source, 1);
  EXPECT_EQ(own.synonyms.back().source, 5);

  const Described brokers = DescribeOne(kTopic, "orders", "retention.bytes");
  EXPECT_EQ(brokers.value, "5000000");
  EXPECT_EQ(brokers.config_source, 4);
  EXPECT_EQ(brokers.synonyms.front().name, "log.retention.bytes");
  EXPECT_EQ(brokers.synonyms.front().source, 4);

  const Described standard = DescribeOne(kTopic, "orders", "max.message.bytes");
  EXPECT_EQ(standard.config_source, 5);
}

TEST_F(ConfigsTest, BrokerIsDescribedWithEveryKey) {
  const auto result = Describe(kBroker, "1");
  EXPECT_EQ(Name(result.error_code), "NONE");
  EXPECT_EQ(result.configs.size(), broker::BrokerConfigDefs().size());
  for (const Described& config : result.configs) {
    EXPECT_TRUE(config.value.has_value()) << config.name;
    EXPECT_FALSE(config.synonyms.empty()) << config.name;
    EXPECT_EQ(config.read_only, !broker::IsDynamicConfig(config.name)) << config.name;
  }
  EXPECT_EQ(DescribeOne(kBroker, "1", "log.retention.bytes").config_source, 4);
  EXPECT_EQ(DescribeOne(kBroker, "1", "num.partitions").value, "1");
}

TEST_F(ConfigsTest, NamedKeysAreGivenAndUnknownOnesLeftOut) {
  const auto result = Describe(kTopic, "orders", 4, std::vector<std::string>{"retention.ms", "no.such.key"});
  ASSERT_EQ(result.configs.size(), 1u);
  EXPECT_EQ(result.configs[0].name, "retention.ms");
  EXPECT_THAT(Describe(kTopic, "orders", 4, std::vector<std::string>()).configs, IsEmpty());
}

TEST_F(ConfigsTest, UnknownResourcesHaveTheirErrors) {
  EXPECT_EQ(Name(Describe(kTopic, "nowhere").error_code), "UNKNOWN_TOPIC_OR_PARTITION");
  EXPECT_EQ(Name(Describe(kTopic, "bad name").error_code), "INVALID_TOPIC_EXCEPTION");
  EXPECT_EQ(Name(Describe(kBroker, "2").error_code), "INVALID_REQUEST");
  EXPECT_EQ(Name(Describe(99, "orders").error_code), "INVALID_REQUEST");
  EXPECT_EQ(Name(Describe(kBroker, "").error_code), "NONE");
}

TEST_F(ConfigsTest, LoggersClientMetricsAndGroupsAreThereWithoutConfigs) {
  for (int16_t version = 1; version <= 4; ++version) {
    EXPECT_EQ(Name(Describe(kBrokerLogger, "1", version).error_code), "NONE");
    EXPECT_THAT(Describe(kBrokerLogger, "1", version).configs, IsEmpty());
    EXPECT_EQ(Name(Describe(kClientMetrics, "any", version).error_code), "NONE");
    EXPECT_THAT(Describe(kClientMetrics, "any", version).configs, IsEmpty());
    EXPECT_EQ(Name(Describe(kGroup, "any", version).error_code), "NONE");
  }
  EXPECT_EQ(Name(Describe(kBrokerLogger, "2").error_code), "INVALID_REQUEST");
  EXPECT_EQ(Name(Describe(kBrokerLogger, "").error_code), "INVALID_REQUEST");
  EXPECT_EQ(Name(Describe(kClientMetrics, "").error_code), "INVALID_REQUEST");
  EXPECT_EQ(Name(Describe(kGroup, "").error_code), "INVALID_REQUEST");
}

// Those of the broker's own keys that Kafka gives a group.
TEST_F(ConfigsTest, GroupHasTheBrokersValues) {
  for (const Described& config : Describe(kGroup, "any").configs) {
    const broker::ConfigDef* of_broker = broker::FindBrokerConfig(absl::StrCat("group.", config.name));
    ASSERT_NE(of_broker, nullptr) << config.name;
    EXPECT_EQ(config.value, broker_.config().String(of_broker->name));
    EXPECT_EQ(config.synonyms.back().name, of_broker->name);
    EXPECT_EQ(config.config_source, 5);
  }
}

TEST_F(ConfigsTest, AGroupsOwnValuesHoldBeforeTheBrokers) {
  EXPECT_EQ(Name(Incremental("consumer.session.timeout.ms", kSet, "30000", 1, kGroup, "g").error_code),
            "NONE");
  const auto session = [this](const std::string& group) {
    for (const Described& config : Describe(kGroup, group).configs) {
      if (config.name == "consumer.session.timeout.ms") {
        return std::pair(config.value.value_or(""), static_cast<int>(config.config_source));
      }
    }
    return std::pair(std::string(), -1);
  };
  EXPECT_EQ(session("g"), std::pair(std::string("30000"), 8));
  EXPECT_EQ(session("other"), std::pair(std::string("45000"), 5));
  const auto listed = [this] {
    std::vector<std::string> names;
    kafka::ListConfigResourcesRequest request;
    request.resource_types = {kGroup};
    for (const auto& resource : client_.Call(request, 1).config_resources) {
      names.push_back(resource.resource_name);
    }
    return names;
  };
  EXPECT_THAT(listed(), ElementsAre("g"));
  broker_.Restart();
  client_ = broker_.Connect();
  EXPECT_EQ(session("g"), std::pair(std::string("30000"), 8));
  EXPECT_EQ(Name(Incremental("consumer.session.timeout.ms", kDelete, "", 1, kGroup, "g").error_code), "NONE");
  EXPECT_EQ(session("g"), std::pair(std::string("45000"), 5));
  EXPECT_THAT(listed(), IsEmpty());
}

TEST_F(ConfigsTest, AGroupIsNotGivenWhatCannotBe) {
  const auto error = [this](const std::string& name, const std::string& value) {
    return Name(Incremental(name, kSet, value, 1, kGroup, "g").error_code);
  };
  EXPECT_EQ(error("interval.ms", "1000"), "INVALID_CONFIG");
  EXPECT_EQ(error("consumer.session.timeout.ms", "long"), "INVALID_CONFIG");
  EXPECT_EQ(error("consumer.session.timeout.ms", "5000"), "INVALID_CONFIG");  // No longer than a heartbeat.
  EXPECT_EQ(error("consumer.heartbeat.interval.ms", "45000"), "INVALID_CONFIG");
  EXPECT_EQ(Name(Incremental("consumer.session.timeout.ms", kSet, "9000", 1, kGroup, "").error_code),
            "INVALID_REQUEST");
  for (const Described& config : Describe(kGroup, "g").configs) {
    EXPECT_EQ(config.config_source, 5);
  }
}

TEST_F(ConfigsTest, LoggersAndClientMetricsCannotBeChanged) {
  const auto error = [this](int8_t type, const std::string& name) {
    const auto response = Incremental("interval.ms", kSet, "1000", 1, type, name);
    EXPECT_TRUE(response.error_message.has_value());
    return Name(response.error_code);
  };
  EXPECT_EQ(error(kBrokerLogger, "1"), "INVALID_REQUEST");
  EXPECT_EQ(error(kClientMetrics, "any"), "INVALID_REQUEST");
  EXPECT_EQ(error(99, "any"), "UNSUPPORTED_VERSION");
}

TEST_F(ConfigsTest, EveryVersionSetsAndDeletesOneConfig) {
  for (int16_t version = 0; version <= 1; ++version) {
    EXPECT_EQ(Name(Incremental("retention.bytes", kSet, "1000000", version).error_code), "NONE");
    EXPECT_EQ(Overrides().at("retention.bytes"), "1000000");
    EXPECT_EQ(Overrides().at("retention.ms"), "60000") << "others stay";
    EXPECT_EQ(Name(Incremental("retention.bytes", kDelete, std::nullopt, version).error_code), "NONE");
    EXPECT_FALSE(Overrides().contains("retention.bytes"));
  }
}

TEST_F(ConfigsTest, EveryWrongChangeIsRefusedWithAReason) {
  EXPECT_EQ(Name(Incremental("retention.ms", kSet, "soon").error_code), "INVALID_CONFIG");
  EXPECT_EQ(Name(Incremental("no.such.key", kSet, "1").error_code), "INVALID_CONFIG");
  EXPECT_EQ(Name(Incremental("retention.ms", kSet, std::nullopt).error_code), "INVALID_REQUEST");
  EXPECT_EQ(Name(Incremental("retention.ms", 4, "1").error_code), "INVALID_REQUEST");
  EXPECT_EQ(Name(Incremental("retention.ms", -1, "1").error_code), "INVALID_REQUEST");
  EXPECT_EQ(Name(Incremental("retention.ms", kAppend, "1").error_code), "INVALID_CONFIG");
  EXPECT_EQ(Name(Incremental("retention.ms", kSet, "1", 1, kTopic, "nowhere").error_code),
            "UNKNOWN_TOPIC_OR_PARTITION");
  const auto of_broker = Incremental("num.partitions", kSet, "7", 1, kBroker, "1");
  EXPECT_EQ(Name(of_broker.error_code), "INVALID_REQUEST");
  EXPECT_THAT(of_broker.error_message.value_or(""), HasSubstr("while the broker runs"));
  EXPECT_EQ(Overrides(), (std::map<std::string, std::string>{{"retention.ms", "60000"}}));
}

TEST_F(ConfigsTest, ResourceThatIsThereTwiceIsRefusedBothTimes) {
  kafka::IncrementalAlterConfigsRequest request;
  request.resources.resize(2);
  for (auto& resource : request.resources) {
    resource.resource_type = kTopic;
    resource.resource_name = "orders";
    auto& config = resource.configs.emplace_back();
    config.name = "retention.ms";
    config.value = "1";
  }
  for (const auto& response : client_.Call(request, 1).responses) {
    EXPECT_EQ(Name(response.error_code), "INVALID_REQUEST");
  }
  EXPECT_EQ(Overrides().at("retention.ms"), "60000");
}

TEST_F(ConfigsTest, EveryVersionOfAlterConfigsReplacesAll) {
  for (int16_t version = 0; version <= 2; ++version) {
    kafka::AlterConfigsRequest request;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = kTopic;
    resource.resource_name = "orders";
    auto& config = resource.configs.emplace_back();
    config.name = "retention.bytes";
    config.value = absl::StrCat(1'000'000 + version);
    request.validate_only = true;
    EXPECT_EQ(Name(client_.Call(request, version).responses.at(0).error_code), "NONE");
    EXPECT_NE(Overrides().count("retention.bytes") ? Overrides().at("retention.bytes") : "", *config.value);
    request.validate_only = false;
    EXPECT_EQ(Name(client_.Call(request, version).responses.at(0).error_code), "NONE");
    EXPECT_EQ(Overrides(), (std::map<std::string, std::string>{{"retention.bytes", *config.value}}));
  }
}

}  // namespace
}  // namespace sluice
