// What consoles and Kafka's tools ask about the cluster as a whole: ACLs, quotas, reassignments, quorum,
// features, and which resources have configs.
#include <gmock/gmock.h>

#include "broker/kafka/features.h"
#include "proto/kafka/gen/api_versions.h"
#include "proto/kafka/gen/describe_acls.h"
#include "proto/kafka/gen/describe_client_quotas.h"
#include "proto/kafka/gen/describe_quorum.h"
#include "proto/kafka/gen/list_config_resources.h"
#include "proto/kafka/gen/list_partition_reassignments.h"
#include "proto/kafka/gen/update_features.h"
#include "tests/unit/broker_kafka/kafka_fixture.h"

namespace sluice {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ClusterAdminTest : public KafkaTest {
 protected:
  ClusterAdminTest() { broker_.CreateTopic("orders", 2); }
};

TEST_F(ClusterAdminTest, WithoutAnAuthorizerAclsAreDisabled) {
  for (int16_t version = 1; version <= 3; ++version) {
    kafka::DescribeAclsRequest request;
    request.resource_type_filter = 1;  // Any; as are the others.
    request.pattern_type_filter = 1;
    request.operation = 1;
    request.permission_type = 1;
    const auto response = client_.Call(request, version);
    EXPECT_EQ(Name(response.error_code), "SECURITY_DISABLED");
    EXPECT_THAT(response.error_message.value_or(""), HasSubstr("no authorizer"));
    EXPECT_THAT(response.resources, IsEmpty());
  }
}

TEST_F(ClusterAdminTest, NothingIsBeingReassigned) {
  kafka::ListPartitionReassignmentsRequest request;
  EXPECT_THAT(client_.Call(request, 0).topics, IsEmpty());
  auto& asked = request.topics.emplace().emplace_back();
  asked.name = "orders";
  asked.partition_indexes = {0, 1};
  const auto response = client_.Call(request, 0);
  EXPECT_EQ(Name(response.error_code), "NONE");
  EXPECT_THAT(response.topics, IsEmpty());
}

// Quotas.

class QuotasTest : public ClusterAdminTest {
 protected:
  struct Component {
    std::string type;
    int8_t match_type = 2;
    std::optional<std::string> match = {};
  };
  auto Describe(const std::vector<Component>& components, int16_t version = 1) {
    kafka::DescribeClientQuotasRequest request;
    for (const Component& component : components) {
      auto& asked = request.components.emplace_back();
      asked.entity_type = component.type;
      asked.match_type = component.match_type;
      asked.match = component.match;
    }
    return client_.Call(request, version);
  }
  std::string ErrorOf(const std::vector<Component>& components) {
    const auto response = Describe(components);
    EXPECT_FALSE(response.entries.has_value());
    EXPECT_TRUE(response.error_message.has_value());
    return Name(response.error_code);
  }
};

TEST_F(QuotasTest, ThereAreNoneWhateverIsAskedFor) {
  const std::vector<std::vector<Component>> filters = {
      {}, {{"user"}}, {{"user", 0, "alice"}, {"client-id", 1}}, {{"ip", 0, "127.0.0.1"}}};
  for (int16_t version = 0; version <= 1; ++version) {
    for (const auto& filter : filters) {
      const auto response = Describe(filter, version);
      EXPECT_EQ(Name(response.error_code), "NONE");
      EXPECT_THAT(response.entries, testing::Optional(IsEmpty()));
    }
  }
}

TEST_F(QuotasTest, FiltersWithoutSenseAreRefused) {
  EXPECT_EQ(ErrorOf({{""}}), "INVALID_REQUEST");
  EXPECT_EQ(ErrorOf({{"user"}, {"user", 1}}), "INVALID_REQUEST");
  EXPECT_EQ(ErrorOf({{"group"}}), "UNSUPPORTED_VERSION");
  EXPECT_EQ(ErrorOf({{"user", 0}}), "INVALID_REQUEST") << "exact, without a name";
  EXPECT_EQ(ErrorOf({{"user", 1, "alice"}}), "INVALID_REQUEST") << "the default one, with a name";
  EXPECT_EQ(ErrorOf({{"user", 2, "alice"}}), "INVALID_REQUEST") << "any, with a name";
  EXPECT_EQ(ErrorOf({{"user", 3}}), "INVALID_REQUEST");
  EXPECT_EQ(ErrorOf({{"user", -1}}), "INVALID_REQUEST");
  EXPECT_EQ(ErrorOf({{"ip"}, {"user"}}), "INVALID_REQUEST");
}

// The quorum.

TEST_F(ClusterAdminTest, QuorumIsThisBroker) {
  kafka::DescribeQuorumRequest request;
  auto& topic = request.topics.emplace_back();
  topic.topic_name = "__cluster_metadata";
  topic.partitions.emplace_back();
  for (int16_t version = 0; version <= 2; ++version) {
    const auto response = client_.Call(request, version);
    EXPECT_EQ(Name(response.error_code), "NONE");
    const auto& partition = response.topics.at(0).partitions.at(0);
    EXPECT_EQ(Name(partition.error_code), "NONE");
    EXPECT_EQ(partition.leader_id, 1);
    EXPECT_EQ(partition.leader_epoch, broker_.catalog().leader_epoch().value());
    ASSERT_EQ(partition.current_voters.size(), 1u);
    EXPECT_EQ(partition.current_voters[0].replica_id, 1);
    EXPECT_EQ(partition.current_voters[0].log_end_offset, partition.high_watermark);
    EXPECT_EQ(partition.current_voters[0].last_caught_up_timestamp > 0, version >= 1);
    EXPECT_THAT(partition.observers, IsEmpty());
    ASSERT_EQ(response.nodes.size(), version >= 2 ? 1u : 0u);
    if (version >= 2) {
      EXPECT_EQ(response.nodes[0].listeners.at(0).name, "PLAINTEXT");
      EXPECT_EQ(response.nodes[0].listeners[0].port, broker_.port());
    }
  }
}

TEST_F(ClusterAdminTest, OtherTopicsHaveNoQuorum) {
  kafka::DescribeQuorumRequest request;
  auto& metadata = request.topics.emplace_back();
  metadata.topic_name = "__cluster_metadata";
  metadata.partitions.emplace_back().partition_index = 1;
  auto& orders = request.topics.emplace_back();
  orders.topic_name = "orders";
  orders.partitions.emplace_back();
  for (const auto& topic : client_.Call(request, 2).topics) {
    EXPECT_EQ(Name(topic.partitions.at(0).error_code), "UNKNOWN_TOPIC_OR_PARTITION");
    EXPECT_THAT(topic.partitions[0].current_voters, IsEmpty());
  }
}

// Features.

class FeaturesTest : public ClusterAdminTest {
 protected:
  auto ApiVersions(int16_t version) {
    kafka::ApiVersionsRequest request;
    request.client_software_name = "raw-client";
    request.client_software_version = "1.0";
    return client_.Call(request, version);
  }
  static kafka::UpdateFeaturesRequest Update(const std::string& feature, int16_t level,
                                             int8_t upgrade_type = 1) {
    kafka::UpdateFeaturesRequest request;
    auto& update = request.feature_updates.emplace_back();
    update.feature = feature;
    update.max_version_level = level;
    update.upgrade_type = upgrade_type;
    return request;
  }
  std::string ErrorOf(const kafka::UpdateFeaturesRequest& request) {
    const auto response = client_.Call(request, 2);
    EXPECT_EQ(response.error_message.has_value(), response.error_code != 0);
    return Name(response.error_code);
  }
};

TEST_F(FeaturesTest, MetadataVersionIsKafka33) {
  for (int16_t version = 3; version <= 5; ++version) {
    const auto response = ApiVersions(version);
    bool is_finalized = false;
    for (const auto& feature : response.finalized_features) {
      is_finalized = is_finalized || (feature.name == "metadata.version" && feature.max_version_level == 7 &&
                                      feature.min_version_level == 7);
    }
    EXPECT_TRUE(is_finalized) << "version " << version;
    EXPECT_EQ(response.finalized_features_epoch, broker_.catalog().leader_epoch().value());
  }
}

TEST_F(FeaturesTest, EpochRisesWithEveryStart) {
  const int64_t before = ApiVersions(3).finalized_features_epoch;
  EXPECT_GE(before, 0) << "clients take a negative one for no features";
  broker_.Restart();
  client_ = broker_.Connect();
  EXPECT_GT(ApiVersions(3).finalized_features_epoch, before);
}

TEST_F(FeaturesTest, TransactionsOfTheSecondKindAreNotPromised) {
  for (const auto& feature : ApiVersions(5).finalized_features) {
    EXPECT_NE(feature.name, "transaction.version");
  }
}

TEST_F(FeaturesTest, LevelInForceMayBeAskedFor) {
  EXPECT_EQ(ErrorOf(Update("metadata.version", 7)), "NONE");
  EXPECT_EQ(ErrorOf({}), "NONE");
}

TEST_F(FeaturesTest, LevelsThatWeDoNotHaveAreRefused) {
  EXPECT_EQ(ErrorOf(Update("metadata.version", 8)), "INVALID_UPDATE_VERSION");
  EXPECT_EQ(ErrorOf(Update("metadata.version", 6, 3)), "INVALID_UPDATE_VERSION");
  EXPECT_EQ(ErrorOf(Update("metadata.version", -1)), "INVALID_UPDATE_VERSION");
  EXPECT_EQ(ErrorOf(Update("metadata.version", 7, 0)), "INVALID_UPDATE_VERSION") << "no kind of upgrade";
  EXPECT_EQ(ErrorOf(Update("metadata.version", 7, 4)), "INVALID_UPDATE_VERSION") << "no kind of upgrade";
  EXPECT_EQ(ErrorOf(Update("no.such.feature", 1)), "INVALID_UPDATE_VERSION");
}

TEST_F(FeaturesTest, EveryFeatureHasItsResultBeforeVersion2) {
  kafka::UpdateFeaturesRequest request = Update("metadata.version", 7);
  request.feature_updates.push_back(Update("no.such.feature", 1).feature_updates[0]);
  for (int16_t version = 0; version <= 1; ++version) {
    kafka::UpdateFeaturesRequest asked = request;
    asked.validate_only = version >= 1;
    if (version == 0) {
      for (auto& update : asked.feature_updates) {
        update.upgrade_type = 1;
      }
    }
    const auto response = client_.Call(asked, version);
    EXPECT_EQ(Name(response.error_code), "NONE");
    ASSERT_EQ(response.results.size(), 2u);
    EXPECT_EQ(response.results[0].feature, "metadata.version");
    EXPECT_EQ(Name(response.results[0].error_code), "NONE");
    EXPECT_EQ(Name(response.results[1].error_code), "INVALID_UPDATE_VERSION");
    EXPECT_THAT(response.results[1].error_message.value_or(""), HasSubstr("no such feature"));
  }
}

// Resources with configs.

class ConfigResourcesTest : public ClusterAdminTest {
 protected:
  // "2 orders": type and name.
  std::vector<std::string> List(std::vector<int8_t> types, int16_t version = 1) {
    kafka::ListConfigResourcesRequest request;
    request.resource_types = std::move(types);
    const auto response = client_.Call(request, version);
    EXPECT_EQ(Name(response.error_code), "NONE");
    std::vector<std::string> listed;
    for (const auto& resource : response.config_resources) {
      listed.push_back(absl::StrCat(static_cast<int>(resource.resource_type), " ", resource.resource_name));
    }
    return listed;
  }
};

TEST_F(ConfigResourcesTest, AreTopicsBrokersAndLoggers) {
  EXPECT_THAT(List({}), ElementsAre("2 orders", "4 1", "8 1"));
  EXPECT_THAT(List({4, 2, 4}), ElementsAre("2 orders", "4 1"));
  EXPECT_THAT(List({16, 32}), IsEmpty());
}

TEST_F(ConfigResourcesTest, Version0AsksForClientMetricsOnly) {
  EXPECT_THAT(List({}, 0), IsEmpty());
}

TEST_F(ConfigResourcesTest, UnknownTypesAreRefused) {
  kafka::ListConfigResourcesRequest request;
  request.resource_types = {2, 99};
  const auto response = client_.Call(request, 1);
  EXPECT_EQ(Name(response.error_code), "UNSUPPORTED_VERSION");
  EXPECT_THAT(response.config_resources, IsEmpty());
}

}  // namespace
}  // namespace sluice
