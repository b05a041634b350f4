#include "grpc_fixture.h"

namespace sluice::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class AdminServiceTest : public GrpcTest {
 protected:
  AdminServiceTest() : GrpcTest({{"num.partitions", "3"}, {"log.retention.hours", "24"}}) {}

  template <class Request, class Response>
  grpc::Status Call(grpc::Status (v1::Admin::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response) {
    grpc::ClientContext context;
    Limit(&context);
    return (admin.get()->*method)(&context, request, response);
  }
  grpc::Status Create(const v1::CreateTopicRequest& request) {
    return Call(&v1::Admin::Stub::CreateTopic, request, &created);
  }
  grpc::Status Describe(const std::string& name) {
    v1::DescribeTopicRequest request;
    request.set_name(name);
    return Call(&v1::Admin::Stub::DescribeTopic, request, &described);
  }
  grpc::Status Configs(const v1::DescribeConfigsRequest& request) {
    configs.Clear();
    return Call(&v1::Admin::Stub::DescribeConfigs, request, &configs);
  }

  v1::CreateTopicResponse created;
  v1::DescribeTopicResponse described;
  v1::DescribeConfigsResponse configs;
};

TEST_F(AdminServiceTest, CreatedTopicIsDescribed) {
  v1::CreateTopicRequest request;
  request.set_name("orders");
  (*request.mutable_configs())["retention.ms"] = "1h";
  ASSERT_TRUE(Create(request).ok());
  EXPECT_EQ(created.partitions(), 3);
  EXPECT_EQ(created.topic_id(), catalog->Find("orders")->id.ToString());

  AppendValues("orders", {"a", "b"});
  ASSERT_TRUE(Describe("orders").ok());
  EXPECT_EQ(described.topic_id(), created.topic_id());
  EXPECT_EQ(described.configs().at("retention.ms"), "3600000");
  EXPECT_FALSE(described.internal());
  EXPECT_GT(described.created_ms(), 0);
  ASSERT_EQ(described.partitions_size(), 3);
  EXPECT_EQ(described.partitions(2).partition(), 2);
  EXPECT_EQ(described.partitions(2).leader(), 5);
  EXPECT_EQ(described.partitions(2).leader_epoch(), 3);
  int64_t records = 0;
  for (const auto& partition : described.partitions()) {
    records += partition.high_watermark() - partition.start_offset();
    EXPECT_EQ(partition.high_watermark(), partition.end_offset());
  }
  EXPECT_EQ(records, 2);
}

TEST_F(AdminServiceTest, RefusalsHaveTheirCodes) {
  CreateTopic("orders", 3);
  v1::CreateTopicRequest request;
  request.set_name("orders");
  EXPECT_EQ(Create(request).error_code(), grpc::StatusCode::ALREADY_EXISTS);
  request.set_name("a b");
  EXPECT_EQ(Create(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request.set_name("a");
  request.set_partitions(-1);
  EXPECT_EQ(Create(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request.set_partitions(1'000'000);
  EXPECT_EQ(Create(request).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  request.set_partitions(1);
  (*request.mutable_configs())["retenton.ms"] = "1";
  EXPECT_EQ(Create(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(Create(request).error_message(), HasSubstr("did you mean \"retention.ms\"?"));
  EXPECT_EQ(Describe("ordesr").error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Describe("").error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(AdminServiceTest, ValidateOnlyCreatesNothing) {
  v1::CreateTopicRequest request;
  request.set_name("a");
  request.set_validate_only(true);
  EXPECT_TRUE(Create(request).ok());
  EXPECT_EQ(created.topic_id(), "");
  EXPECT_EQ(catalog->Find("a"), nullptr);
}

TEST_F(AdminServiceTest, ListHidesWhatTheBrokerKeepsForItself) {
  CreateTopic("b");
  CreateTopic("a");
  CreateTopic("__own");
  v1::ListTopicsRequest request;
  v1::ListTopicsResponse response;
  ASSERT_TRUE(Call(&v1::Admin::Stub::ListTopics, request, &response).ok());
  ASSERT_THAT(response.topics(), SizeIs(2));
  EXPECT_EQ(response.topics(0).name(), "a");
  EXPECT_EQ(response.topics(1).name(), "b");
  request.set_include_internal(true);
  ASSERT_TRUE(Call(&v1::Admin::Stub::ListTopics, request, &response).ok());
  ASSERT_THAT(response.topics(), SizeIs(3));
  EXPECT_TRUE(response.topics(0).internal());
}

TEST_F(AdminServiceTest, DeletedTopicIsGone) {
  CreateTopic("a");
  v1::DeleteTopicRequest request;
  request.set_name("a");
  v1::DeleteTopicResponse response;
  EXPECT_TRUE(Call(&v1::Admin::Stub::DeleteTopic, request, &response).ok());
  EXPECT_EQ(Call(&v1::Admin::Stub::DeleteTopic, request, &response).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST_F(AdminServiceTest, PartitionsAreOnlyAdded) {
  CreateTopic("a", 2);
  v1::AddPartitionsRequest request;
  v1::AddPartitionsResponse response;
  request.set_name("a");
  request.set_total(4);
  EXPECT_TRUE(Call(&v1::Admin::Stub::AddPartitions, request, &response).ok());
  EXPECT_EQ(catalog->Find("a")->partitions.size(), 4u);
  request.set_total(3);
  const grpc::Status status = Call(&v1::Admin::Stub::AddPartitions, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("has 4 partitions"));
  request.set_name("b");
  EXPECT_EQ(Call(&v1::Admin::Stub::AddPartitions, request, &response).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST_F(AdminServiceTest, ConfigsTellWhereTheyComeFrom) {
  CreateTopic("a", 1, {{"segment.ms", "5"}});
  v1::DescribeConfigsRequest request;
  request.set_topic("a");
  ASSERT_TRUE(Configs(request).ok());
  EXPECT_THAT(configs.configs(), SizeIs(TopicConfigDefs().size()));
  request.add_names("segment.ms");
  request.add_names("retention.ms");
  request.add_names("segment.bytes");
  ASSERT_TRUE(Configs(request).ok());
  ASSERT_THAT(configs.configs(), SizeIs(3));
  EXPECT_EQ(configs.configs(0).name(), "retention.ms");
  EXPECT_EQ(configs.configs(0).value(), "86400000");
  EXPECT_EQ(configs.configs(0).source(), v1::CONFIG_SOURCE_BROKER);
  EXPECT_EQ(configs.configs(1).source(), v1::CONFIG_SOURCE_DEFAULT);
  EXPECT_TRUE(configs.configs(1).is_default());
  EXPECT_EQ(configs.configs(2).value(), "5");
  EXPECT_EQ(configs.configs(2).source(), v1::CONFIG_SOURCE_TOPIC);
  EXPECT_EQ(configs.configs(2).type(), v1::CONFIG_TYPE_LONG);
  EXPECT_FALSE(configs.configs(2).read_only());
  request.add_names("segmnt.ms");
  EXPECT_EQ(Configs(request).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(AdminServiceTest, BrokersConfigsAreReadOnly) {
  v1::DescribeConfigsRequest request;
  request.mutable_broker();
  request.add_names("num.partitions");
  ASSERT_TRUE(Configs(request).ok());
  ASSERT_THAT(configs.configs(), SizeIs(1));
  EXPECT_EQ(configs.configs(0).value(), "3");
  EXPECT_TRUE(configs.configs(0).read_only());
  EXPECT_FALSE(configs.configs(0).documentation().empty());
  EXPECT_EQ(Configs({}).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(AdminServiceTest, ConfigsAreSetAndUnset) {
  CreateTopic("a", 1, {{"segment.ms", "5"}});
  v1::AlterConfigsRequest request;
  v1::AlterConfigsResponse response;
  request.set_topic("a");
  (*request.mutable_set())["retention.ms"] = "2h";
  request.add_unset("segment.ms");
  ASSERT_TRUE(Call(&v1::Admin::Stub::AlterConfigs, request, &response).ok());
  EXPECT_THAT(catalog->Find("a")->config.overrides(), ElementsAre(std::pair("retention.ms", "7200000")));

  request.add_unset("retention.ms");
  EXPECT_EQ(Call(&v1::Admin::Stub::AlterConfigs, request, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  request.Clear();
  request.set_topic("a");
  (*request.mutable_set())["remote.storage.enable"] = "true";
  const grpc::Status status = Call(&v1::Admin::Stub::AlterConfigs, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("not supported"));
}

TEST_F(AdminServiceTest, ClusterIsDescribedAsTheClientSeesIt) {
  v1::DescribeClusterResponse response;
  ASSERT_TRUE(Call(&v1::Admin::Stub::DescribeCluster, v1::DescribeClusterRequest{}, &response).ok());
  EXPECT_EQ(response.cluster_id(), "the-cluster");
  EXPECT_EQ(response.node_id(), 5);
  EXPECT_EQ(response.version(), "1.2.3");
  EXPECT_EQ(response.kafka_endpoint(), "127.0.0.1:19092");
  EXPECT_EQ(response.grpc_endpoint(), absl::StrCat("127.0.0.1:", server->port()));
}

TEST_F(AdminServiceTest, RecordsBeforeAnOffsetAreDeleted) {
  v1::CreateTopicRequest topic;
  topic.set_name("orders");
  topic.set_partitions(1);
  ASSERT_TRUE(Create(topic).ok());
  AppendValues("orders", {"a", "b", "c"});

  v1::DeleteRecordsRequest request;
  v1::DeleteRecordsResponse response;
  const auto call = [&](const std::string& name, std::vector<std::pair<int32_t, int64_t>> cuts) {
    request.Clear();
    request.set_topic(name);
    for (const auto& [partition, offset] : cuts) {
      v1::PartitionCut* cut = request.add_partitions();
      cut->set_partition(partition);
      cut->set_before_offset(offset);
    }
    response.Clear();
    return Call(&v1::Admin::Stub::DeleteRecords, request, &response);
  };
  EXPECT_EQ(call("order", {{0, 1}}).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(call("orders", {}).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(call("orders", {{0, 1}, {0, 2}}).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(call("orders", {{0, 1}, {4, 0}}).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(call("orders", {{0, 4}}).error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_EQ(catalog->Find("orders")->partitions[0]->log().start().value(), 0) << "nothing was deleted so far";

  ASSERT_TRUE(call("orders", {{0, 2}}).ok());
  ASSERT_EQ(response.partitions_size(), 1);
  EXPECT_EQ(response.partitions(0).start_offset(), 2);
  ASSERT_TRUE(call("orders", {{0, -1}}).ok());
  EXPECT_EQ(response.partitions(0).start_offset(), 3);
  ASSERT_TRUE(Describe("orders").ok());
  EXPECT_EQ(described.partitions(0).start_offset(), 3);
}

}  // namespace
}  // namespace sluice::broker
