// The first words between a client and the broker.
#include "proto/kafka/gen/api_versions.h"

#include <gmock/gmock.h>

#include <map>

#include "proto/kafka/gen/find_coordinator.h"
#include "proto/kafka/gen/sasl_handshake.h"
#include "tests/unit/broker_kafka/kafka_fixture.h"

namespace sluice {
namespace {

using Range = std::pair<int16_t, int16_t>;

std::map<int16_t, Range> RangesOf(const kafka::ApiVersionsResponse& response) {
  std::map<int16_t, Range> ranges;
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
  const std::map<int16_t, Range> expected = {
      {0, {0, 13}}, {1, {4, 18}}, {2, {1, 11}}, {3, {0, 13}}, {8, {2, 10}}, {9, {1, 10}}, {10, {0, 6}},
      {11, {0, 9}}, {12, {0, 4}}, {13, {0, 5}}, {14, {0, 5}}, {15, {0, 6}}, {16, {0, 5}}, {17, {0, 1}},
      {18, {0, 4}}, {19, {2, 7}}, {20, {1, 6}}, {21, {0, 2}}, {22, {0, 5}}, {23, {2, 4}}, {32, {1, 4}},
      {33, {0, 2}}, {37, {0, 3}}, {42, {0, 3}}, {44, {0, 1}}, {47, {0, 0}}, {60, {0, 2}}};
  for (int16_t version = 0; version <= 4; ++version) {
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
  EXPECT_EQ(RangesOf(response), (std::map<int16_t, Range>{{18, {0, 4}}}));
  EXPECT_FALSE(client_.Call(NamedClient(), 4).api_keys.empty()) << "the connection must go on";
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
