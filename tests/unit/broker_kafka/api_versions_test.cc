// The first words between a client and the broker.
#include "proto/kafka/gen/api_versions.h"

#include <gmock/gmock.h>

#include "broker/kafka/features.h"
#include "proto/kafka/gen/find_coordinator.h"
#include "proto/kafka/gen/sasl_handshake.h"
#include "tests/unit/broker_kafka/kafka_fixture.h"
#include "tests/unit/broker_kafka/protocol_page.h"

namespace sluice {
namespace {

ServedVersions RangesOf(const kafka::ApiVersionsResponse& response) {
  ServedVersions ranges;
  for (const auto& api : response.api_keys) {
    ranges[api.api_key] = {api.min_version, api.max_version};
  }
  return ranges;
}

kafka::ApiVersionsRequest NamedClient(const std::string& name = "raw-client",
                                      const std::string& version = "1.0") {
  kafka::ApiVersionsRequest request;
  request.client_software_name = name;
  request.client_software_version = version;
  return request;
}

using ApiVersionsTest = KafkaTest;

TEST_F(ApiVersionsTest, EveryVersionListsTheSame) {
  const ServedVersions expected = ServedByThePage();
  ASSERT_GE(expected.size(), 27u);
  for (int16_t version = 0; version <= 5; ++version) {
    const auto response = client_.Call(NamedClient(), version);
    EXPECT_EQ(Name(response.error_code), "NONE");
    EXPECT_EQ(RangesOf(response), expected) << "version " << version;
  }
}

TEST_F(ApiVersionsTest, VersionFromTheFutureIsAnsweredInVersion0) {
  kafka::WireWriter request;
  request.WriteInt16(18);
  request.WriteInt16(99);
  request.WriteInt32(7);
  request.WriteInt64(-1);  // A header and a body that nobody knows yet.
  client_.SendFrame(request.buffer());
  const auto frame = client_.ReceiveFrame();
  ASSERT_TRUE(frame.has_value());
  kafka::WireReader in(*frame);
  EXPECT_EQ(in.ReadInt32(), 7);
  kafka::ApiVersionsResponse response;
  response.Decode(in, 0);
  EXPECT_TRUE(in.ok()) << in.error();
  EXPECT_EQ(in.remaining(), 0u);
  EXPECT_EQ(Name(response.error_code), "UNSUPPORTED_VERSION");
  EXPECT_EQ(RangesOf(response), (ServedVersions{{18, {0, 5}}}));
  EXPECT_FALSE(client_.Call(NamedClient(), 5).api_keys.empty()) << "the connection must go on";
}

TEST_F(ApiVersionsTest, SoftwareNameMustBeOfLettersDigitsDotsAndDashes) {
  for (const auto& [name, version] : std::vector<std::pair<std::string, std::string>>{
           {"", "1.0"}, {"a b", "1.0"}, {"-a", "1.0"}, {"a", ""}, {"a", "1.0."}, {"a", "1\n0"}}) {
    const auto response = client_.Call(NamedClient(name, version), 3);
    EXPECT_EQ(Name(response.error_code), "INVALID_REQUEST") << name << "/" << version;
    EXPECT_TRUE(response.api_keys.empty());
  }
  EXPECT_EQ(Name(client_.Call(NamedClient("a", "1"), 3).error_code), "NONE");
}

TEST_F(ApiVersionsTest, ClientOfAnotherClusterOrNodeIsToLookForItsOwn) {
  kafka::ApiVersionsRequest ours = NamedClient();
  ours.cluster_id = broker_.cluster_id().ToString();
  ours.node_id = 1;
  EXPECT_EQ(Name(client_.Call(ours, 5).error_code), "NONE");
  kafka::ApiVersionsRequest other_cluster = ours;
  other_cluster.cluster_id = "another";
  kafka::ApiVersionsRequest other_node = ours;
  other_node.node_id = 2;
  for (const auto& request : {other_cluster, other_node}) {
    const auto response = client_.Call(request, 5);
    EXPECT_EQ(Name(response.error_code), "REBOOTSTRAP_REQUIRED");
    EXPECT_TRUE(response.api_keys.empty());
    EXPECT_EQ(Name(client_.Call(request, 4).error_code), "NONE") << "which could not say so";
  }
}

TEST(FeatureTest, LowestLevelOfZeroIsToldToThoseWhoCanReadIt) {
  const broker::Feature from_zero{.name = "a", .min_supported = 0, .max_supported = 1, .level = 1};
  const broker::Feature from_one{.name = "b", .min_supported = 1, .max_supported = 1, .level = 1};
  for (int16_t version = 3; version <= 5; ++version) {
    EXPECT_EQ(broker::IsSupportTold(from_zero, version), version >= 4);
    EXPECT_TRUE(broker::IsSupportTold(from_one, version));
  }
}

TEST_F(ApiVersionsTest, SaslHandshakeSaysThatThereIsNoSaslHere) {
  for (int16_t version = 0; version <= 1; ++version) {
    kafka::SaslHandshakeRequest request;
    request.mechanism = "PLAIN";
    const auto response = client_.Call(request, version);
    EXPECT_EQ(Name(response.error_code), "ILLEGAL_SASL_STATE");
    EXPECT_THAT(response.mechanisms, testing::IsEmpty());
  }
}

TEST_F(ApiVersionsTest, TransactionalProducerIsRefusedForGood) {
  for (int16_t version = 1; version <= 6; ++version) {
    kafka::FindCoordinatorRequest request;
    request.key_type = 1;
    request.key = version < 4 ? "transaction" : "";
    if (version >= 4) {
      request.coordinator_keys = {"transaction"};
    }
    const auto response = client_.Call(request, version);
    const int16_t code = version < 4 ? response.error_code : response.coordinators.at(0).error_code;
    EXPECT_EQ(Name(code), "INVALID_REQUEST");
  }
}

}  // namespace
}  // namespace sluice
