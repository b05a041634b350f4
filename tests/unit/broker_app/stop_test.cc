// How the whole broker stops: nobody who waits is cut off, and nobody who waits holds it up.
#include <gtest/gtest.h>

#include <thread>

#include "absl/time/clock.h"
#include "broker/app/broker.h"
#include "proto/base/check.h"
#include "proto/kafka/gen/create_topics.h"
#include "proto/kafka/gen/fetch.h"
#include "tests/support/raw_client.h"
#include "tests/support/temp_dir.h"

namespace sluice::broker {
namespace {

constexpr int16_t kFetchByName = 12;

std::unique_ptr<Broker> StartBroker(const TempDir& directory, Logger& logger) {
  BrokerConfig::Sources sources;
  sources.sets = {{"log.dirs", directory / "data"},
                  {"listeners", "PLAINTEXT://127.0.0.1:0"},
                  {"sluice.grpc.listener", ""}};
  auto config = BrokerConfig::Load(sources);
  CHECK_OK(config.status());
  auto broker = Broker::Start(*std::move(config), logger, [](const std::string&) {});
  CHECK_OK(broker.status());
  return *std::move(broker);
}

void CreateTopic(RawClient& client, const std::string& name) {
  kafka::CreateTopicsRequest request;
  request.timeout_ms = 10'000;
  auto& topic = request.topics.emplace_back();
  topic.name = name;
  topic.num_partitions = 1;
  topic.replication_factor = 1;
  const auto response = client.Call(request, 5);
  ASSERT_EQ(response.topics.at(0).error_code, 0);
}

kafka::FetchRequest LongPoll(const std::string& topic) {
  kafka::FetchRequest request;
  request.max_wait_ms = 60'000;
  request.min_bytes = 1;
  request.max_bytes = 1 << 20;
  auto& asked = request.topics.emplace_back();
  asked.topic = topic;
  asked.partitions.emplace_back().partition_max_bytes = 1 << 20;
  return request;
}

TEST(BrokerStop, LongPollIsAnsweredAndDoesNotHoldUpTheStop) {
  TempDir directory;
  StderrLogger logger;
  const std::unique_ptr<Broker> broker = StartBroker(directory, logger);
  RawClient client(broker->kafka_port());
  CreateTopic(client, "orders");
  const uint64_t before = broker->traffic().bytes_in;
  client.Send(LongPoll("orders"), kFetchByName);
  while (broker->traffic().bytes_in == before) {
    std::this_thread::yield();
  }
  const absl::Time began = absl::Now();
  EXPECT_TRUE(broker->Stop(absl::Seconds(30)).ok());
  EXPECT_LT(absl::Now() - began, absl::Seconds(3)) << "a drain that waits for the poll takes 7.5 s";
  const auto response = client.Receive<kafka::FetchResponse>();
  ASSERT_EQ(response.responses.size(), 1u);
  EXPECT_EQ(response.responses[0].partitions.at(0).error_code, 0);
  EXPECT_TRUE(client.IsClosedByPeer());
}

}  // namespace
}  // namespace sluice::broker
