// DescribeLogDirs, of brokers with one log dir and with two of which one fails; DescribeProducers and
// ElectLeaders, which look at the same logs.
#include <gmock/gmock.h>

#include "proto/kafka/gen/describe_log_dirs.h"
#include "proto/kafka/gen/describe_producers.h"
#include "proto/kafka/gen/elect_leaders.h"
#include "tests/support/fault_disk.h"
#include "tests/unit/broker_kafka/kafka_fixture.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Result = kafka::DescribeLogDirsResponse::DescribeLogDirsResult;

// "orders-0" and so on, of all topics in a log dir.
std::vector<std::string> LogsIn(const Result& result) {
  std::vector<std::string> logs;
  for (const auto& topic : result.topics) {
    for (const auto& partition : topic.partitions) {
      logs.push_back(absl::StrCat(topic.name, "-", partition.partition_index));
    }
  }
  return logs;
}

kafka::DescribeLogDirsRequest AskAbout(const std::string& topic, std::vector<int32_t> partitions) {
  kafka::DescribeLogDirsRequest request;
  auto& asked = request.topics.emplace().emplace_back();
  asked.topic = topic;
  asked.partitions = std::move(partitions);
  return request;
}

class LogDirsTest : public KafkaTest {
 protected:
  LogDirsTest() {
    broker_.CreateTopic("orders", 2);
    broker_.CreateTopic("returns");
  }
  Result Describe(const kafka::DescribeLogDirsRequest& request, int16_t version = 5) {
    const auto response = client_.Call(request, version);
    EXPECT_EQ(Name(response.error_code), "NONE");
    EXPECT_EQ(response.results.size(), 1u);
    return response.results.at(0);
  }
};

TEST_F(LogDirsTest, EveryVersionListsEveryLogWithItsSize) {
  Produce("orders", {"a", "b"}, 1);
  for (int16_t version = 1; version <= 5; ++version) {
    const Result result = Describe({}, version);
    EXPECT_EQ(Name(result.error_code), "NONE");
    EXPECT_EQ(result.log_dir, broker_.directory() + "/logs");
    EXPECT_THAT(LogsIn(result), ElementsAre("orders-0", "orders-1", "returns-0"));
    const auto& partitions = result.topics[0].partitions;
    EXPECT_EQ(partitions[0].partition_size, 0);
    EXPECT_EQ(partitions[1].partition_size, static_cast<int64_t>(broker_.log("orders", 1).size_bytes()));
    EXPECT_GT(partitions[1].partition_size, 0);
    EXPECT_EQ(partitions[1].offset_lag, 0);
    EXPECT_FALSE(partitions[1].is_future_key);
    EXPECT_EQ(result.total_bytes > 0, version >= 4);
    EXPECT_EQ(result.usable_bytes >= 0, version >= 4);
    EXPECT_LE(result.usable_bytes, result.total_bytes);
    EXPECT_FALSE(result.is_cordoned);
  }
}

TEST_F(LogDirsTest, OnlyWhatIsAskedForIsListedAndTheDirAlways) {
  EXPECT_THAT(LogsIn(Describe(AskAbout("orders", {1, 7}))), ElementsAre("orders-1"));
  EXPECT_THAT(LogsIn(Describe(AskAbout("nowhere", {0}))), IsEmpty());
  kafka::DescribeLogDirsRequest nothing;
  nothing.topics.emplace();
  EXPECT_THAT(LogsIn(Describe(nothing)), IsEmpty());
}

// Partition 0 of "orders" is in the first log dir, partition 1 in the second, whose disk fails.
class FaultyDisk {
 protected:
  storage::PosixDisk posix_;
  storage::FaultDisk disk_{posix_};
};

class OfflineLogDirTest : protected FaultyDisk, public KafkaTest {
 protected:
  OfflineLogDirTest() : KafkaTest({.second_disk = &disk_}) {
    broker_.CreateTopic("orders", 2);
    disk_.FailNth(storage::DiskCall::kSync, 1, absl::DataLossError("fdatasync: Input/output error"));
    const auto refused =
        client_.Call(MakeProduce("orders", MakeBatch({"x"}), /*acks=*/-1, /*partition=*/1), kProduceByName);
    EXPECT_EQ(Name(OnlyPartition(refused).error_code), "KAFKA_STORAGE_ERROR");
  }

  auto Elect(std::optional<std::vector<int32_t>> partitions, int8_t type = 0, int16_t version = 2) {
    kafka::ElectLeadersRequest request;
    request.election_type = type;
    if (partitions.has_value()) {
      auto& asked = request.topic_partitions.emplace().emplace_back();
      asked.topic = "orders";
      asked.partitions = *partitions;
    }
    return client_.Call(request, version);
  }
};

TEST_F(OfflineLogDirTest, IsListedWithItsErrorAndNothingElse) {
  const auto results = client_.Call(kafka::DescribeLogDirsRequest{}, 4).results;
  ASSERT_EQ(results.size(), 2u);
  EXPECT_THAT(LogsIn(results[0]), ElementsAre("orders-0"));
  EXPECT_EQ(Name(results[1].error_code), "KAFKA_STORAGE_ERROR");
  EXPECT_EQ(results[1].log_dir, broker_.directory() + "/logs-2");
  EXPECT_THAT(results[1].topics, IsEmpty());
  EXPECT_EQ(results[1].total_bytes, -1);
  EXPECT_EQ(results[1].usable_bytes, -1);
}

TEST_F(OfflineLogDirTest, NobodyElseCanLeadItsPartitions) {
  for (int16_t version = 0; version <= 2; ++version) {
    const auto preferred = Elect(std::vector{0, 1, 2}, 0, version).replica_election_results.at(0);
    ASSERT_EQ(preferred.partition_result.size(), 3u);
    EXPECT_EQ(Name(preferred.partition_result[0].error_code), "ELECTION_NOT_NEEDED");
    EXPECT_EQ(Name(preferred.partition_result[1].error_code), "PREFERRED_LEADER_NOT_AVAILABLE");
    EXPECT_EQ(Name(preferred.partition_result[2].error_code), "UNKNOWN_TOPIC_OR_PARTITION");
  }
  const auto unclean = Elect(std::vector{1}, 1).replica_election_results.at(0).partition_result.at(0);
  EXPECT_EQ(Name(unclean.error_code), "ELIGIBLE_LEADERS_NOT_AVAILABLE");
  EXPECT_THAT(unclean.error_message.value_or(""), HasSubstr("Input/output error"));
}

TEST_F(OfflineLogDirTest, AllPartitionsAreThoseThatNeedALeader) {
  const auto results = Elect(std::nullopt).replica_election_results;
  ASSERT_EQ(results.size(), 1u);
  ASSERT_EQ(results[0].partition_result.size(), 1u);
  EXPECT_EQ(results[0].partition_result[0].partition_id, 1);
}

TEST_F(OfflineLogDirTest, ElectionsAreOfTwoKinds) {
  const auto response = Elect(std::vector{0}, 2);
  EXPECT_EQ(Name(response.error_code), "INVALID_REQUEST");
  EXPECT_EQ(Name(response.replica_election_results.at(0).partition_result.at(0).error_code),
            "INVALID_REQUEST");
}

TEST_F(LogDirsTest, WhereEveryPartitionHasItsLeaderThereIsNothingToElect) {
  for (int16_t version = 0; version <= 2; ++version) {
    const auto response = client_.Call(kafka::ElectLeadersRequest{}, version);
    EXPECT_EQ(Name(response.error_code), "NONE");
    EXPECT_THAT(response.replica_election_results, IsEmpty());
  }
  kafka::ElectLeadersRequest unknown;
  auto& asked = unknown.topic_partitions.emplace().emplace_back();
  asked.topic = "nowhere";
  asked.partitions = {0};
  EXPECT_EQ(Name(client_.Call(unknown, 2).replica_election_results.at(0).partition_result.at(0).error_code),
            "UNKNOWN_TOPIC_OR_PARTITION");
}

class DescribeProducersTest : public LogDirsTest {
 protected:
  void ProduceAs(int64_t id, int32_t sequence, std::vector<std::string> values) {
    const Bytes batch = MakeBatch(
        values,
        {.producer_id = ProducerId(id), .producer_epoch = ProducerEpoch(3), .base_sequence = sequence});
    Produce("orders", batch);
  }
  auto Describe(const std::string& topic, std::vector<int32_t> partitions) {
    kafka::DescribeProducersRequest request;
    auto& asked = request.topics.emplace_back();
    asked.name = topic;
    asked.partition_indexes = std::move(partitions);
    return client_.Call(request, 0).topics.at(0).partitions;
  }
};

TEST_F(DescribeProducersTest, ProducersAreTheOnesThatThePartitionRemembers) {
  const int64_t before_ms = Clock::System().NowMs();
  ProduceAs(9, 0, {"a", "b"});
  ProduceAs(9, 2, {"c"});
  ProduceAs(4, 7, {"d"});
  const auto described = Describe("orders", {0, 1});
  ASSERT_EQ(described.size(), 2u);
  EXPECT_THAT(described[1].active_producers, IsEmpty());
  ASSERT_EQ(described[0].active_producers.size(), 2u);
  EXPECT_EQ(described[0].active_producers[0].producer_id, 4);
  const auto& producer = described[0].active_producers[1];
  EXPECT_EQ(producer.producer_id, 9);
  EXPECT_EQ(producer.producer_epoch, 3);
  EXPECT_EQ(producer.last_sequence, 2);
  EXPECT_GE(producer.last_timestamp, before_ms);
  EXPECT_EQ(producer.coordinator_epoch, -1);
  EXPECT_EQ(producer.current_txn_start_offset, -1);
}

TEST_F(DescribeProducersTest, WhatDoesNotExistHasItsErrorAndTwiceIsOnce) {
  const auto described = Describe("orders", {0, 0, 2});
  ASSERT_EQ(described.size(), 2u);
  EXPECT_EQ(Name(described[0].error_code), "NONE");
  EXPECT_EQ(described[1].partition_index, 2);
  EXPECT_EQ(Name(described[1].error_code), "UNKNOWN_TOPIC_OR_PARTITION");
  EXPECT_EQ(Name(Describe("nowhere", {0}).at(0).error_code), "UNKNOWN_TOPIC_OR_PARTITION");
  EXPECT_EQ(Name(Describe("bad name", {0}).at(0).error_code), "INVALID_TOPIC_EXCEPTION");
}

TEST_F(OfflineLogDirTest, TellsNothingOfItsProducers) {
  kafka::DescribeProducersRequest request;
  auto& asked = request.topics.emplace_back();
  asked.name = "orders";
  asked.partition_indexes = {1};
  EXPECT_EQ(Name(client_.Call(request, 0).topics.at(0).partitions.at(0).error_code), "KAFKA_STORAGE_ERROR");
}

}  // namespace
}  // namespace sluice
