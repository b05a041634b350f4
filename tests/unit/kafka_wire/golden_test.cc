// What real clients sent is understood, and encodes to the same bytes again.
#include "tests/unit/kafka_wire/golden.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/base/endian.h"
#include "proto/kafka/wire_reader.h"
#include "proto/kafka/wire_writer.h"

namespace sluice::kafka {
namespace {

struct Decoded {
  RequestHeader header;
  std::string text;  // DebugText() of the body.
  Bytes encoded_again;
};

Decoded Decode(ByteView frame) {
  Decoded decoded;
  WireReader in(frame);
  DecodeRequestHeader(in, &decoded.header);
  const bool found = VisitRequest(decoded.header.api_key, [&](auto type) {
    typename decltype(type)::type message;
    message.Decode(in, decoded.header.api_version);
    decoded.text = message.DebugText();
    WireWriter out;
    EncodeRequestHeader(out, decoded.header);
    message.Encode(out, decoded.header.api_version);
    EXPECT_TRUE(out.ok()) << out.error();
    decoded.encoded_again = out.Take();
  });
  EXPECT_TRUE(found);
  EXPECT_TRUE(in.ok()) << in.error();
  EXPECT_EQ(in.remaining(), 0u);
  return decoded;
}

TEST(GoldenTest, EveryRecordedRequestEncodesToTheSameBytesAgain) {
  const std::vector<std::string> names = GoldenNames();
  EXPECT_GE(names.size(), 50u);
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    const Bytes frame = ReadGolden(name);
    EXPECT_EQ(Decode(frame).encoded_again, frame);
  }
}

TEST(GoldenTest, FileNameSaysKeyAndVersion) {
  for (const std::string& name : GoldenNames()) {
    SCOPED_TRACE(name);
    const RequestHeader header = Decode(ReadGolden(name)).header;
    const ApiInfo* info = FindApi(header.api_key);
    ASSERT_NE(info, nullptr);
    EXPECT_THAT(name, testing::EndsWith(absl::StrCat("_", info->name, "_v", header.api_version)));
  }
}

// The name of a file and what its body says.
struct Expected {
  std::string name;
  std::string text;
};

void ExpectTexts(const std::vector<Expected>& all) {
  for (const auto& [name, text] : all) {
    EXPECT_EQ(Decode(ReadGolden(name)).text, text) << name;
  }
}

TEST(GoldenTest, HeadersNameTheClient) {
  EXPECT_EQ(Decode(ReadGolden("kcat_ApiVersions_v3")).header.client_id, "rdkafka");
  EXPECT_EQ(Decode(ReadGolden("kafka_python_ApiVersions_v0")).header.client_id, "golden-client");
  EXPECT_EQ(Decode(ReadGolden("platformatic_Produce_v9")).header.client_id, "golden-client");
}

TEST(GoldenTest, ApiVersionsNamesTheSoftwareSinceVersion3) {
  ExpectTexts({
      {"kafka_python_ApiVersions_v0",
       "ApiVersionsRequest{client_software_name: \"\", client_software_version: "
       "\"\", cluster_id: null, node_id: -1}"},
      {"kcat_ApiVersions_v3",
       "ApiVersionsRequest{client_software_name: \"librdkafka\", client_software_version: "
       "\"2.0.2\", cluster_id: null, node_id: -1}"},
  });
}

TEST(GoldenTest, MetadataTellsAllTopicsFromNone) {
  const std::string tail =
      ", include_cluster_authorized_operations: false, include_topic_authorized_operations: ";
  const std::string golden_topic =
      "topics: [MetadataRequestTopic{topic_id: AAAAAAAAAAAAAAAAAAAAAA, name: \"golden\"}]";
  ExpectTexts({
      {"kafka_python_Metadata_v0",
       "MetadataRequest{topics: [], allow_auto_topic_creation: true" + tail + "false}"},
      {"kafka_python_Metadata_v1",
       "MetadataRequest{topics: null, allow_auto_topic_creation: true" + tail + "false}"},
      {"kafka_python_Metadata_v5",
       "MetadataRequest{topics: null, allow_auto_topic_creation: false" + tail + "false}"},
      {"kcat_Metadata_v4",
       "MetadataRequest{" + golden_topic + ", allow_auto_topic_creation: true" + tail + "false}"},
      {"platformatic_Metadata_v12",
       "MetadataRequest{" + golden_topic + ", allow_auto_topic_creation: true" + tail + "true}"},
  });
}

TEST(GoldenTest, ProduceRecordsAreOneBatchOfFormat2ThatViewsTheFrame) {
  constexpr size_t kMagicAt = 16;
  constexpr size_t kBatchLengthAt = 8;
  for (const std::string name :
       {"kcat_Produce_v7", "librdkafka_Produce_v7", "kafka_python_Produce_v7", "kafkajs_Produce_v7",
        "platformatic_Produce_v9", "platformatic_Produce_v11"}) {
    SCOPED_TRACE(name);
    const Bytes frame = ReadGolden(name);
    WireReader in(frame);
    RequestHeader header;
    DecodeRequestHeader(in, &header);
    ProduceRequest request;
    request.Decode(in, header.api_version);
    EXPECT_EQ(request.transactional_id, std::nullopt);
    EXPECT_EQ(request.acks, -1);
    EXPECT_EQ(request.timeout_ms, name.starts_with("platformatic") ? 1500 : 30000);
    ASSERT_EQ(request.topic_data.size(), 1u);
    EXPECT_EQ(request.topic_data[0].name, "golden");
    ASSERT_EQ(request.topic_data[0].partition_data.size(), 1u);
    EXPECT_EQ(request.topic_data[0].partition_data[0].index, 0);

    const ByteView records = request.topic_data[0].partition_data[0].records.value().bytes;
    EXPECT_GE(records.data(), frame.data());
    EXPECT_LE(records.data() + records.size(), frame.data() + frame.size());
    EXPECT_EQ(records[kMagicAt], std::byte{2});
    EXPECT_EQ(LoadBigEndian<uint32_t>(records.data() + kBatchLengthAt) + 12, records.size());
  }
}

std::string FetchText(const std::string& limits, const std::string& topic, const std::string& partition,
                      const std::string& rack) {
  return absl::StrCat(
      "FetchRequest{cluster_id: null, replica_id: -1, replica_state: ReplicaState{replica_id: -1, "
      "replica_epoch: -1}, "
      "max_wait_ms: 500, min_bytes: 1, ",
      limits, ", session_id: 0, session_epoch: -1, topics: [FetchTopic{", topic,
      ", partitions: [FetchPartition{partition: 0, ", partition,
      ", replica_directory_id: AAAAAAAAAAAAAAAAAAAAAA, high_watermark: 9223372036854775807}]}], "
      "forgotten_topics_data: "
      "[], rack_id: \"",
      rack, "\"}");
}

TEST(GoldenTest, FetchNamesTopicsUntilVersion12AndIdsAfter) {
  const std::string by_name = "topic: \"golden\", topic_id: AAAAAAAAAAAAAAAAAAAAAA";
  const std::string by_id = "topic: \"\", topic_id: AQIDBAUGBwgJCgsMDQ4PEA";
  const std::string from_0 =
      "current_leader_epoch: -1, fetch_offset: 0, last_fetched_epoch: -1, log_start_offset: -1, "
      "partition_max_bytes: "
      "1048576";
  const std::string from_42 =
      "current_leader_epoch: 3, fetch_offset: 42, last_fetched_epoch: 2, log_start_offset: -1, "
      "partition_max_bytes: "
      "65536";
  const std::string small = "max_bytes: 1048576, isolation_level: 1";
  ExpectTexts({
      {"kafka_python_Fetch_v4", FetchText("max_bytes: 52428800, isolation_level: 0", by_name, from_0, "")},
      {"kcat_Fetch_v11", FetchText("max_bytes: 52428800, isolation_level: 1", by_name, from_0, "")},
      {"platformatic_Fetch_v12", FetchText(small, by_name, from_42, "rack-a")},
      {"platformatic_Fetch_v15", FetchText(small, by_id, from_42, "rack-a")},
      {"platformatic_Fetch_v17", FetchText(small, by_id, from_42, "rack-a")},
  });
}

std::string ListOffsetsText(int isolation_level, int leader_epoch, int64_t timestamp) {
  return absl::StrCat("ListOffsetsRequest{replica_id: -1, isolation_level: ", isolation_level,
                      ", topics: [ListOffsetsTopic{name: \"golden\", partitions: "
                      "[ListOffsetsPartition{partition_index: 0, current_leader_epoch: ",
                      leader_epoch, ", timestamp: ", timestamp, "}]}], timeout_ms: 0}");
}

TEST(GoldenTest, ListOffsetsAsksForATimeOrAnEnd) {
  ExpectTexts({
      {"kafka_python_ListOffsets_v1", ListOffsetsText(0, -1, 1700000000000)},
      {"kcat_ListOffsets_v2", ListOffsetsText(1, -1, -2)},
      {"kafkajs_ListOffsets_v3", ListOffsetsText(1, -1, -1)},
      {"platformatic_ListOffsets_v6", ListOffsetsText(1, 3, -1)},
      {"platformatic_ListOffsets_v9", ListOffsetsText(1, 3, -1)},
  });
}

TEST(GoldenTest, TransactionsFindTheirCoordinatorAndProducerId) {
  ExpectTexts({
      {"librdkafka_FindCoordinator_v2",
       "FindCoordinatorRequest{key: \"golden-tx\", key_type: 1, coordinator_keys: []}"},
      {"platformatic_FindCoordinator_v6",
       "FindCoordinatorRequest{key: \"\", key_type: 1, coordinator_keys: [\"golden-tx\", \"other-tx\"]}"},
      {"kafkajs_InitProducerId_v1",
       "InitProducerIdRequest{transactional_id: null, transaction_timeout_ms: 60000, producer_id: -1, "
       "producer_epoch: "
       "-1, enable2_pc: false, keep_prepared_txn: false}"},
      {"librdkafka_InitProducerId_v4",
       "InitProducerIdRequest{transactional_id: null, transaction_timeout_ms: -1, producer_id: -1, "
       "producer_epoch: "
       "-1, enable2_pc: false, keep_prepared_txn: false}"},
      {"platformatic_InitProducerId_v5",
       "InitProducerIdRequest{transactional_id: \"golden-tx\", transaction_timeout_ms: 9000, producer_id: 7, "
       "producer_epoch: 1, enable2_pc: false, keep_prepared_txn: false}"},
  });
}

TEST(GoldenTest, TopicsAreCreatedGrownAndDeleted) {
  const std::string created = "CreateTopicsRequest{topics: [CreatableTopic{name: \"created\", ";
  const std::string compact =
      "configs: [CreatableTopicConfig{name: \"cleanup.policy\", value: \"compact\"}]}], timeout_ms: ";
  ExpectTexts({
      {"librdkafka_CreateTopics_v4", created + "num_partitions: 3, replication_factor: 1, assignments: [], " +
                                         compact + "60000, validate_only: false}"},
      {"platformatic_CreateTopics_v7", created +
                                           "num_partitions: -1, replication_factor: -1, assignments: "
                                           "[CreatableReplicaAssignment{partition_index: 0, "
                                           "broker_ids: [1, 2]}], " +
                                           compact + "4000, validate_only: true}"},
      {"librdkafka_CreatePartitions_v0",
       "CreatePartitionsRequest{topics: [CreatePartitionsTopic{name: \"golden\", count: 4, assignments: "
       "null}], "
       "timeout_ms: 60000, validate_only: false}"},
      {"platformatic_CreatePartitions_v3",
       "CreatePartitionsRequest{topics: [CreatePartitionsTopic{name: \"golden\", count: 4, assignments: "
       "[CreatePartitionsAssignment{broker_ids: [1]}]}], timeout_ms: 4000, validate_only: true}"},
      {"kafka_python_DeleteTopics_v3",
       "DeleteTopicsRequest{topics: [], topic_names: [\"created\"], timeout_ms: 30000}"},
      {"platformatic_DeleteTopics_v6",
       "DeleteTopicsRequest{topics: [DeleteTopicState{name: null, topic_id: AQIDBAUGBwgJCgsMDQ4PEA}, "
       "DeleteTopicState{name: \"created\", topic_id: AAAAAAAAAAAAAAAAAAAAAA}], topic_names: [], timeout_ms: "
       "4000}"},
  });
}

TEST(GoldenTest, ConfigsAreDescribedAndAltered) {
  ExpectTexts({
      {"librdkafka_DescribeConfigs_v1",
       "DescribeConfigsRequest{resources: [DescribeConfigsResource{resource_type: 2, resource_name: "
       "\"golden\", "
       "configuration_keys: null}], include_synonyms: true, include_documentation: false}"},
      {"platformatic_DescribeConfigs_v4",
       "DescribeConfigsRequest{resources: [DescribeConfigsResource{resource_type: 2, resource_name: "
       "\"golden\", "
       "configuration_keys: [\"retention.ms\"]}], include_synonyms: true, include_documentation: true}"},
      {"librdkafka_AlterConfigs_v0",
       "AlterConfigsRequest{resources: [AlterConfigsResource{resource_type: 2, resource_name: \"golden\", "
       "configs: "
       "[AlterableConfig{name: \"retention.ms\", value: \"1000\"}]}], validate_only: false}"},
      {"platformatic_AlterConfigs_v2",
       "AlterConfigsRequest{resources: [AlterConfigsResource{resource_type: 2, resource_name: \"golden\", "
       "configs: "
       "[AlterableConfig{name: \"retention.ms\", value: null}]}], validate_only: true}"},
      {"platformatic_IncrementalAlterConfigs_v1",
       "IncrementalAlterConfigsRequest{resources: [AlterConfigsResource{resource_type: 2, resource_name: "
       "\"golden\", "
       "configs: [AlterableConfig{name: \"retention.ms\", config_operation: 1, value: null}]}], "
       "validate_only: true}"},
  });
}

TEST(GoldenTest, TheRestOfTheKeys) {
  ExpectTexts({
      {"kcat_SaslHandshake_v1", "SaslHandshakeRequest{mechanism: \"PLAIN\"}"},
      {"platformatic_OffsetForLeaderEpoch_v4",
       "OffsetForLeaderEpochRequest{replica_id: -2, topics: [OffsetForLeaderTopic{topic: \"golden\", "
       "partitions: "
       "[OffsetForLeaderPartition{partition: 0, current_leader_epoch: 3, leader_epoch: 2}]}]}"},
      {"platformatic_DescribeCluster_v1",
       "DescribeClusterRequest{include_cluster_authorized_operations: true, endpoint_type: 1, "
       "include_fenced_brokers: "
       "false}"},
  });
}

}  // namespace
}  // namespace sluice::kafka
