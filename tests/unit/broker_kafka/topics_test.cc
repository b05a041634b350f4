// Topics: made, described, grown and deleted.
#include <gmock/gmock.h>

#include "proto/kafka/gen/create_partitions.h"
#include "proto/kafka/gen/create_topics.h"
#include "proto/kafka/gen/delete_topics.h"
#include "proto/kafka/gen/describe_cluster.h"
#include "proto/kafka/gen/metadata.h"
#include "tests/unit/broker_kafka/kafka_fixture.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

kafka::CreateTopicsRequest AskToCreate(const std::string& name, int32_t partitions = -1,
                                       int16_t replicas = -1) {
  kafka::CreateTopicsRequest request;
  auto& topic = request.topics.emplace_back();
  topic.name = name;
  topic.num_partitions = partitions;
  topic.replication_factor = replicas;
  return request;
}

class TopicsTest : public KafkaTest {
 protected:
  explicit TopicsTest(TestBroker::Options options = {}) : KafkaTest(std::move(options)) {}

  auto Create(const kafka::CreateTopicsRequest& request, int16_t version = 7) {
    return client_.Call(request, version).topics.at(0);
  }
  std::vector<std::string> TopicNames(const kafka::MetadataResponse& response) {
    std::vector<std::string> names;
    for (const auto& topic : response.topics) {
      names.push_back(topic.name.value_or("(null)"));
    }
    return names;
  }
  static kafka::MetadataRequest AskAbout(const std::string& name) {
    kafka::MetadataRequest request;
    request.topics.emplace().emplace_back().name = name;
    return request;
  }
};

TEST_F(TopicsTest, EveryVersionCreates) {
  for (int16_t version = 2; version <= 7; ++version) {
    const std::string name = absl::StrCat("topic-", version);
    const auto result = Create(AskToCreate(name, 3, 1), version);
    EXPECT_EQ(Name(result.error_code), "NONE") << result.error_message.value_or("");
    EXPECT_EQ(result.name, name);
    const broker::TopicPtr topic = broker_.catalog().Find(name);
    ASSERT_NE(topic, nullptr);
    EXPECT_EQ(topic->partitions.size(), 3u);
    EXPECT_EQ(result.num_partitions, version >= 5 ? 3 : -1);
    EXPECT_EQ(result.replication_factor, version >= 5 ? 1 : -1);
    EXPECT_EQ(result.topic_id, version >= 7 ? topic->id : Uuid{});
    if (version >= 5) {
      ASSERT_TRUE(result.configs.has_value());
      EXPECT_GT(result.configs->size(), 10u);
    }
  }
}

TEST_F(TopicsTest, DefaultsAreTheBrokers) {
  EXPECT_EQ(Create(AskToCreate("defaults")).num_partitions, 1);
  EXPECT_EQ(broker_.catalog().Find("defaults")->partitions.size(), 1u);
}

TEST_F(TopicsTest, ConfigsAreSetAndListed) {
  auto request = AskToCreate("configured", 1, 1);
  auto& config = request.topics[0].configs.emplace_back();
  config.name = "retention.ms";
  config.value = "60000";
  const auto result = Create(request);
  EXPECT_EQ(broker_.catalog().Find("configured")->config.overrides().at("retention.ms"), "60000");
  for (const auto& listed : *result.configs) {
    if (listed.name == "retention.ms") {
      EXPECT_EQ(listed.value, "60000");
      EXPECT_EQ(listed.config_source, 1);
    }
  }
}

TEST_F(TopicsTest, ValidateOnlyMakesNothing) {
  auto request = AskToCreate("maybe", 2, 1);
  request.validate_only = true;
  const auto result = Create(request);
  EXPECT_EQ(Name(result.error_code), "NONE");
  EXPECT_EQ(result.num_partitions, 2);
  EXPECT_TRUE(result.topic_id.IsZero());
  EXPECT_EQ(broker_.catalog().Find("maybe"), nullptr);
}

TEST_F(TopicsTest, EveryWrongWishHasItsCode) {
  broker_.CreateTopic("there");
  EXPECT_EQ(Name(Create(AskToCreate("there", 1, 1)).error_code), "TOPIC_ALREADY_EXISTS");
  EXPECT_EQ(Name(Create(AskToCreate("bad name", 1, 1)).error_code), "INVALID_TOPIC_EXCEPTION");
  EXPECT_EQ(Name(Create(AskToCreate("", 1, 1)).error_code), "INVALID_TOPIC_EXCEPTION");
  EXPECT_EQ(Name(Create(AskToCreate("none", 0, 1)).error_code), "INVALID_PARTITIONS");
  EXPECT_EQ(Name(Create(AskToCreate("none", -2, 1)).error_code), "INVALID_PARTITIONS");
  EXPECT_EQ(Name(Create(AskToCreate("none", 1, 3)).error_code), "INVALID_REPLICATION_FACTOR");
  auto config = AskToCreate("none", 1, 1);
  config.topics[0].configs.emplace_back().name = "retention.ms";
  EXPECT_EQ(Name(Create(config).error_code), "INVALID_CONFIG");
  config.topics[0].configs[0].value = "soon";
  EXPECT_EQ(Name(Create(config).error_code), "INVALID_CONFIG");
  config.topics[0].configs[0].name = "no.such.key";
  EXPECT_EQ(Name(Create(config).error_code), "INVALID_CONFIG");
  EXPECT_EQ(broker_.catalog().All().size(), 1u);
}

TEST_F(TopicsTest, NameThatIsThereTwiceIsRefusedOnce) {
  auto request = AskToCreate("twice", 1, 1);
  request.topics.push_back(request.topics[0]);
  request.topics.push_back(request.topics[0]);
  request.topics[2].name = "once";
  const auto response = client_.Call(request, 7);
  ASSERT_EQ(response.topics.size(), 2u);
  EXPECT_EQ(Name(response.topics[0].error_code), "INVALID_REQUEST");
  EXPECT_EQ(Name(response.topics[1].error_code), "NONE");
  EXPECT_EQ(broker_.catalog().Find("twice"), nullptr);
}

TEST_F(TopicsTest, PartitionsMayBeAssignedToThisBrokerOnly) {
  auto request = AskToCreate("assigned");
  auto& assignments = request.topics[0].assignments;
  assignments.resize(2);
  assignments[0].partition_index = 1;
  assignments[0].broker_ids = {1};
  assignments[1].partition_index = 0;
  assignments[1].broker_ids = {1};
  EXPECT_EQ(Create(request).num_partitions, 2);

  request.topics[0].name = "elsewhere";
  assignments[1].broker_ids = {2};
  EXPECT_EQ(Name(Create(request).error_code), "INVALID_REPLICA_ASSIGNMENT");
  assignments[1].broker_ids = {1, 2};
  EXPECT_EQ(Name(Create(request).error_code), "INVALID_REPLICA_ASSIGNMENT");
  assignments[1].broker_ids = {1};
  assignments[1].partition_index = 2;
  EXPECT_EQ(Name(Create(request).error_code), "INVALID_REPLICA_ASSIGNMENT");
  assignments[1].partition_index = 0;
  request.topics[0].num_partitions = 2;
  EXPECT_EQ(Name(Create(request).error_code), "INVALID_REQUEST");
  EXPECT_EQ(broker_.catalog().Find("elsewhere"), nullptr);
}

// Deleting.

TEST_F(TopicsTest, EveryVersionDeletesByName) {
  for (int16_t version = 1; version <= 6; ++version) {
    broker_.CreateTopic("doomed");
    kafka::DeleteTopicsRequest request;
    if (version < 6) {
      request.topic_names = {"doomed", "nowhere"};
    } else {
      request.topics.resize(2);
      request.topics[0].name = "doomed";
      request.topics[1].name = "nowhere";
    }
    const auto response = client_.Call(request, version);
    EXPECT_EQ(Name(response.responses.at(0).error_code), "NONE");
    EXPECT_EQ(response.responses[0].name, "doomed");
    EXPECT_EQ(Name(response.responses.at(1).error_code), "UNKNOWN_TOPIC_OR_PARTITION");
    EXPECT_EQ(broker_.catalog().Find("doomed"), nullptr);
  }
}

TEST_F(TopicsTest, TopicIsDeletedById) {
  const Uuid id = broker_.CreateTopic("doomed")->id;
  kafka::DeleteTopicsRequest request;
  request.topics.emplace_back().topic_id = id;
  const auto deleted = client_.Call(request, 6).responses.at(0);
  EXPECT_EQ(Name(deleted.error_code), "NONE");
  EXPECT_EQ(deleted.name, "doomed");
  EXPECT_EQ(deleted.topic_id, id);
  EXPECT_EQ(Name(client_.Call(request, 6).responses.at(0).error_code), "UNKNOWN_TOPIC_ID");
}

TEST_F(TopicsTest, AmbiguousDeletionsDeleteNothing) {
  const Uuid id = broker_.CreateTopic("kept")->id;
  kafka::DeleteTopicsRequest request;
  request.topics.resize(4);
  request.topics[0].name = "kept";
  request.topics[0].topic_id = id;  // Both.
  // [1]: neither.
  request.topics[2].name = "kept";  // Twice.
  request.topics[3].name = "kept";
  for (const auto& result : client_.Call(request, 6).responses) {
    EXPECT_EQ(Name(result.error_code), "INVALID_REQUEST");
  }
  EXPECT_NE(broker_.catalog().Find("kept"), nullptr);
}

TEST_F(TopicsTest, TopicMayBeMadeAnewRightAfterItsDeletion) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Name(Create(AskToCreate("phoenix", 1, 1)).error_code), "NONE");
    EXPECT_EQ(Produce("phoenix", {"value"}), 0);
    kafka::DeleteTopicsRequest request;
    request.topic_names = {"phoenix"};
    EXPECT_EQ(Name(client_.Call(request, 5).responses.at(0).error_code), "NONE");
  }
}

class NoDeletionTest : public TopicsTest {
 protected:
  NoDeletionTest() : TopicsTest({.configs = {{"delete.topic.enable", "false"}}}) {}
};

TEST_F(NoDeletionTest, TopicsStay) {
  broker_.CreateTopic("kept");
  kafka::DeleteTopicsRequest request;
  request.topic_names = {"kept"};
  EXPECT_EQ(Name(client_.Call(request, 2).responses.at(0).error_code), "INVALID_REQUEST");
  EXPECT_EQ(Name(client_.Call(request, 5).responses.at(0).error_code), "TOPIC_DELETION_DISABLED");
  EXPECT_NE(broker_.catalog().Find("kept"), nullptr);
}

// Growing.

TEST_F(TopicsTest, EveryVersionAddsPartitions) {
  broker_.CreateTopic("growing");
  for (int16_t version = 0; version <= 3; ++version) {
    kafka::CreatePartitionsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = "growing";
    topic.count = version + 2;
    EXPECT_EQ(Name(client_.Call(request, version).results.at(0).error_code), "NONE");
    EXPECT_EQ(broker_.catalog().Find("growing")->partitions.size(), static_cast<size_t>(version) + 2);
    EXPECT_EQ(Produce("growing", {"value"}, version + 1), 0);
  }
}

TEST_F(TopicsTest, EveryWrongGrowthHasItsCode) {
  broker_.CreateTopic("growing", 2);
  const auto grow = [this](const std::string& name, int32_t count,
                           std::optional<std::vector<std::vector<int32_t>>> brokers = {}) {
    kafka::CreatePartitionsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.count = count;
    if (brokers.has_value()) {
      topic.assignments.emplace();
      for (const auto& ids : *brokers) {
        topic.assignments->emplace_back().broker_ids = ids;
      }
    }
    return std::string(Name(client_.Call(request, 3).results.at(0).error_code));
  };
  EXPECT_EQ(grow("nowhere", 3), "UNKNOWN_TOPIC_OR_PARTITION");
  EXPECT_EQ(grow("growing", 2), "INVALID_PARTITIONS");
  EXPECT_EQ(grow("growing", 1), "INVALID_PARTITIONS");
  EXPECT_EQ(grow("growing", -1), "INVALID_PARTITIONS");
  EXPECT_EQ(grow("growing", 4, {{{1}}}), "INVALID_REPLICA_ASSIGNMENT");
  EXPECT_EQ(grow("growing", 3, {{{7}}}), "INVALID_REPLICA_ASSIGNMENT");
  EXPECT_EQ(broker_.catalog().Find("growing")->partitions.size(), 2u);
  EXPECT_EQ(grow("growing", 3, {{{1}}}), "NONE");
}

// Metadata.

TEST_F(TopicsTest, EveryVersionDescribesATopic) {
  const broker::TopicPtr topic = broker_.CreateTopic("orders", 2);
  const int32_t epoch = topic->partitions[0]->leader_epoch().value();
  for (int16_t version = 0; version <= 13; ++version) {
    const auto response = client_.Call(AskAbout("orders"), version);
    ASSERT_EQ(response.brokers.size(), 1u);
    EXPECT_EQ(response.brokers[0].node_id, 1);
    EXPECT_EQ(response.brokers[0].host, "127.0.0.1");
    EXPECT_EQ(response.brokers[0].port, broker_.port());
    EXPECT_EQ(response.cluster_id.has_value(), version >= 2);
    EXPECT_EQ(response.controller_id, version >= 1 ? 1 : -1);
    const auto& described = response.topics.at(0);
    EXPECT_EQ(Name(described.error_code), "NONE");
    EXPECT_EQ(described.name, "orders");
    EXPECT_EQ(described.topic_id, version >= 10 ? topic->id : Uuid{});
    EXPECT_FALSE(described.is_internal);
    EXPECT_EQ(described.topic_authorized_operations, std::numeric_limits<int32_t>::min());
    ASSERT_EQ(described.partitions.size(), 2u);
    EXPECT_EQ(described.partitions[1].partition_index, 1);
    EXPECT_EQ(described.partitions[1].leader_id, 1);
    EXPECT_EQ(described.partitions[1].leader_epoch, version >= 7 ? epoch : -1);
    EXPECT_THAT(described.partitions[1].replica_nodes, ElementsAre(1));
    EXPECT_THAT(described.partitions[1].isr_nodes, ElementsAre(1));
    EXPECT_THAT(described.partitions[1].offline_replicas, IsEmpty());
  }
}

TEST_F(TopicsTest, NullAsksForAllAndEmptyForNoneButInVersion0) {
  broker_.CreateTopic("a");
  broker_.CreateTopic("b");
  kafka::MetadataRequest all;
  kafka::MetadataRequest none;
  none.topics.emplace();
  EXPECT_THAT(TopicNames(client_.Call(none, 0)), UnorderedElementsAre("a", "b"));
  for (int16_t version = 1; version <= 13; ++version) {
    EXPECT_THAT(TopicNames(client_.Call(all, version)), UnorderedElementsAre("a", "b"));
    EXPECT_THAT(TopicNames(client_.Call(none, version)), IsEmpty());
  }
}

TEST_F(TopicsTest, TopicIsDescribedByIdFromVersion12On) {
  const Uuid id = broker_.CreateTopic("orders")->id;
  kafka::MetadataRequest request;
  request.topics.emplace().emplace_back().topic_id = id;
  EXPECT_EQ(client_.Call(request, 12).topics.at(0).name, "orders");
  (*request.topics)[0].topic_id.bytes[3] ^= 1;
  const auto unknown = client_.Call(request, 12).topics.at(0);
  EXPECT_EQ(Name(unknown.error_code), "UNKNOWN_TOPIC_ID");
  EXPECT_FALSE(unknown.name.has_value());
  for (int16_t version = 10; version <= 11; ++version) {
    EXPECT_EQ(Name(client_.Call(request, version).topics.at(0).error_code), "INVALID_REQUEST");
  }
}

TEST_F(TopicsTest, UnknownAndImpossibleNamesHaveTheirErrors) {
  EXPECT_EQ(Name(client_.Call(AskAbout("nowhere"), 12).topics.at(0).error_code),
            "UNKNOWN_TOPIC_OR_PARTITION");
  EXPECT_EQ(Name(client_.Call(AskAbout("bad name"), 12).topics.at(0).error_code), "INVALID_TOPIC_EXCEPTION");
  EXPECT_EQ(broker_.catalog().Find("nowhere"), nullptr);
}

TEST_F(TopicsTest, TopicAskedForTwiceIsDescribedOnce) {
  broker_.CreateTopic("orders");
  kafka::MetadataRequest request = AskAbout("orders");
  request.topics->push_back(request.topics->front());
  EXPECT_EQ(client_.Call(request, 12).topics.size(), 1u);
}

TEST_F(TopicsTest, EverythingIsAllowedWhereThereIsNoAuthorizer) {
  broker_.CreateTopic("orders");
  kafka::MetadataRequest request = AskAbout("orders");
  request.include_topic_authorized_operations = true;
  EXPECT_EQ(client_.Call(request, 12).topics.at(0).topic_authorized_operations, 3576);
  request.include_cluster_authorized_operations = true;
  EXPECT_EQ(client_.Call(request, 9).cluster_authorized_operations, 8096);
}

TEST_F(TopicsTest, ClusterHasANameAndALivingController) {
  for (int16_t version = 0; version <= 13; ++version) {
    const auto response = client_.Call(AskAbout("nowhere"), version);
    ASSERT_EQ(response.brokers.size(), 1u);
    EXPECT_FALSE(response.brokers[0].rack.has_value());
    if (version >= 1) {
      EXPECT_EQ(response.controller_id, response.brokers[0].node_id);
    }
    if (version >= 2) {
      EXPECT_EQ(response.cluster_id, broker_.cluster_id().ToString());
    }
  }
}

TEST_F(TopicsTest, NothingIsCreatedByAskingUnlessTheBrokerAllowsIt) {
  kafka::MetadataRequest request = AskAbout("fresh");
  request.allow_auto_topic_creation = true;
  for (int16_t version = 0; version <= 13; ++version) {
    EXPECT_EQ(Name(client_.Call(request, version).topics.at(0).error_code), "UNKNOWN_TOPIC_OR_PARTITION");
  }
  EXPECT_EQ(broker_.catalog().Find("fresh"), nullptr);
}

TEST_F(TopicsTest, UnknownTopicIsNamedInTheAnswer) {
  for (int16_t version = 0; version <= 13; ++version) {
    const auto unknown = client_.Call(AskAbout("nowhere"), version).topics.at(0);
    EXPECT_EQ(unknown.name, "nowhere");
    EXPECT_TRUE(unknown.topic_id.IsZero());
    EXPECT_THAT(unknown.partitions, IsEmpty());
  }
}

// The broker's own topics.

TEST_F(TopicsTest, KafkasOwnTopicsAreInternalAndOthersAreNot) {
  for (const char* name : {"__consumer_offsets", "__transaction_state", "__mine"}) {
    broker_.CreateTopic(name);
  }
  for (int16_t version = 1; version <= 13; ++version) {
    EXPECT_TRUE(client_.Call(AskAbout("__consumer_offsets"), version).topics.at(0).is_internal);
    EXPECT_TRUE(client_.Call(AskAbout("__transaction_state"), version).topics.at(0).is_internal);
    EXPECT_FALSE(client_.Call(AskAbout("__mine"), version).topics.at(0).is_internal);
  }
}

TEST_F(TopicsTest, ClientsMakeNoneOfThem) {
  for (const bool validate_only : {false, true}) {
    for (const auto& [name, code] : std::vector<std::pair<std::string, std::string>>{
             {"__consumer_offsets", "INVALID_TOPIC_EXCEPTION"},
             {"__transaction_state", "INVALID_TOPIC_EXCEPTION"},
             {"__cluster_metadata", "TOPIC_AUTHORIZATION_FAILED"}}) {
      auto request = AskToCreate(name, 1, 1);
      request.validate_only = validate_only;
      EXPECT_EQ(Name(Create(request).error_code), code) << name;
      EXPECT_EQ(broker_.catalog().Find(name), nullptr) << name;
    }
  }
  EXPECT_EQ(Name(Create(AskToCreate("__mine", 1, 1)).error_code), "NONE");
}

TEST_F(TopicsTest, ClientsWriteIntoNoneOfThem) {
  broker_.CreateTopic("__consumer_offsets");
  for (const int16_t acks : {int16_t{1}, int16_t{-1}}) {
    const auto refused =
        client_.Call(MakeProduce("__consumer_offsets", MakeBatch({"x"}), acks), kProduceByName);
    EXPECT_EQ(Name(OnlyPartition(refused).error_code), "INVALID_TOPIC_EXCEPTION");
  }
  EXPECT_EQ(broker_.log("__consumer_offsets").end().value(), 0);
}

class AutoCreateTest : public TopicsTest {
 protected:
  AutoCreateTest()
      : TopicsTest({.configs = {{"auto.create.topics.enable", "true"}, {"num.partitions", "3"}}}) {}
};

TEST_F(AutoCreateTest, UnknownTopicIsMadeWhenTheClientAllowsIt) {
  kafka::MetadataRequest request = AskAbout("fresh");
  request.allow_auto_topic_creation = false;
  EXPECT_EQ(Name(client_.Call(request, 12).topics.at(0).error_code), "UNKNOWN_TOPIC_OR_PARTITION");
  request.allow_auto_topic_creation = true;
  const auto made = client_.Call(request, 12).topics.at(0);
  EXPECT_EQ(Name(made.error_code), "NONE");
  EXPECT_EQ(made.partitions.size(), 3u);
  EXPECT_EQ(Name(client_.Call(AskAbout("older"), 1).topics.at(0).error_code), "NONE");
  EXPECT_EQ(Name(client_.Call(AskAbout("bad name"), 12).topics.at(0).error_code), "INVALID_TOPIC_EXCEPTION");
}

TEST_F(AutoCreateTest, TheBrokersOwnTopicsAndUnknownIdsAreNotMade) {
  for (const char* name : {"__consumer_offsets", "__transaction_state", "__cluster_metadata"}) {
    EXPECT_EQ(Name(client_.Call(AskAbout(name), 12).topics.at(0).error_code), "UNKNOWN_TOPIC_OR_PARTITION");
  }
  kafka::MetadataRequest by_id;
  by_id.topics.emplace().emplace_back().topic_id.bytes[0] = 1;
  EXPECT_EQ(Name(client_.Call(by_id, 12).topics.at(0).error_code), "UNKNOWN_TOPIC_ID");
  EXPECT_THAT(broker_.catalog().All(), IsEmpty());
}

class AdvertisedTest : public TopicsTest {
 protected:
  AdvertisedTest()
      : TopicsTest({.configs = {{"broker.rack", "r1"}},
                    .advertised = {{.name = "PLAINTEXT", .host = "broker.example", .port = 19092},
                                   {.name = "OTHER", .host = "wrong.example", .port = 1}}}) {}
};

TEST_F(AdvertisedTest, ClientsAreToldTheAdvertisedAddressOfTheirListener) {
  const auto broker = client_.Call(AskAbout("any"), 12).brokers.at(0);
  EXPECT_EQ(broker.host, "broker.example");
  EXPECT_EQ(broker.port, 19092);
  EXPECT_EQ(broker.rack, "r1");
}

TEST_F(TopicsTest, ClusterIsThisBroker) {
  for (int16_t version = 0; version <= 2; ++version) {
    kafka::DescribeClusterRequest request;
    request.include_cluster_authorized_operations = true;
    const auto response = client_.Call(request, version);
    EXPECT_EQ(Name(response.error_code), "NONE");
    EXPECT_EQ(response.cluster_id, broker_.cluster_id().ToString());
    EXPECT_EQ(response.controller_id, 1);
    EXPECT_EQ(response.cluster_authorized_operations, 8096);
    ASSERT_EQ(response.brokers.size(), 1u);
    EXPECT_EQ(response.brokers[0].port, broker_.port());
  }
  for (int16_t version = 1; version <= 2; ++version) {
    kafka::DescribeClusterRequest controllers;
    controllers.endpoint_type = 2;
    EXPECT_EQ(Name(client_.Call(controllers, version).error_code), "MISMATCHED_ENDPOINT_TYPE");
    controllers.endpoint_type = 9;
    EXPECT_EQ(Name(client_.Call(controllers, version).error_code), "UNSUPPORTED_ENDPOINT_TYPE");
  }
}

TEST_F(TopicsTest, NoBrokerIsFencedAndAskingForThoseChangesNothing) {
  kafka::DescribeClusterRequest request;
  request.include_fenced_brokers = true;
  const auto response = client_.Call(request, 2);
  ASSERT_EQ(response.brokers.size(), 1u);
  EXPECT_FALSE(response.brokers[0].is_fenced);
  EXPECT_EQ(response.endpoint_type, 1);
  EXPECT_EQ(response.cluster_authorized_operations, std::numeric_limits<int32_t>::min());
}

}  // namespace
}  // namespace sluice
