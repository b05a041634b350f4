// What a consumer gets, how much of it, and when.
#include <gmock/gmock.h>

#include <chrono>
#include <thread>

#include "tests/unit/broker_kafka/kafka_fixture.h"
#include "tests/unit/broker_topic/fake_log.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Two requests of this many bytes have not arrived while fewer have.
constexpr uint64_t kFetchFrameBytesMin = 60;

class FetchTest : public KafkaTest {
 protected:
  explicit FetchTest(TestBroker::Options options = {}) : KafkaTest(std::move(options)) {
    topic_ = broker_.CreateTopic("orders", 2);
  }
  // For tests of many partitions.
  static void AddPartition(kafka::FetchRequest* request, int32_t partition, int64_t offset,
                           int32_t bytes_max) {
    auto& asked = request->topics.back().partitions.emplace_back();
    asked.partition = partition;
    asked.fetch_offset = offset;
    asked.partition_max_bytes = bytes_max;
  }
  broker::TopicPtr topic_;
};

TEST_F(FetchTest, EveryVersionReturnsTheRecords) {
  Produce("orders", {"a", "b"});
  for (int16_t version = 4; version <= 18; ++version) {
    kafka::FetchRequest request = MakeFetch("orders");
    request.topics[0].topic_id = topic_->id;
    const auto response = client_.Call(request, version);
    EXPECT_EQ(Name(response.error_code), "NONE");
    const auto& answer = OnlyPartition(response);
    EXPECT_EQ(Name(answer.error_code), "NONE") << "version " << version;
    EXPECT_EQ(answer.high_watermark, 2);
    EXPECT_EQ(answer.last_stable_offset, 2);
    EXPECT_EQ(answer.log_start_offset, version >= 5 ? 0 : -1);
    EXPECT_EQ(answer.preferred_read_replica, -1);
    EXPECT_FALSE(answer.aborted_transactions.has_value());
    EXPECT_THAT(ValuesOf(answer.records->bytes), ElementsAre("a", "b"));
  }
}

TEST_F(FetchTest, ReadCommittedNamesNoAbortedTransactions) {
  Produce("orders", {"a"});
  kafka::FetchRequest request = MakeFetch("orders");
  request.isolation_level = 1;
  const auto response = client_.Call(request, kFetchByName);
  ASSERT_TRUE(OnlyPartition(response).aborted_transactions.has_value());
  EXPECT_THAT(*OnlyPartition(response).aborted_transactions, IsEmpty());
}

TEST_F(FetchTest, ReadingOnGivesEveryBatchOnce) {
  std::vector<std::string> expected;
  for (int i = 0; i < 50; ++i) {
    expected.push_back(absl::StrCat("value ", i));
    Produce("orders", {expected.back()});
  }
  std::vector<std::string> got;
  while (got.size() < expected.size()) {
    const auto values =
        Fetch("orders", {.offset = static_cast<int64_t>(got.size()), .partition_max_bytes = 300});
    ASSERT_FALSE(values.empty());
    got.insert(got.end(), values.begin(), values.end());
  }
  EXPECT_EQ(got, expected);
}

TEST_F(FetchTest, OffsetInsideABatchGivesTheWholeBatch) {
  Produce("orders", {"a", "b", "c"});
  EXPECT_THAT(Fetch("orders", {.offset = 2}), ElementsAre("a", "b", "c"));
}

TEST_F(FetchTest, OffsetsOutsideTheLogAreOutOfRange) {
  Produce("orders", {"a"});
  for (const int64_t offset :
       {int64_t{2}, int64_t{-1}, std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()}) {
    const auto response =
        client_.Call(MakeFetch("orders", {.offset = offset, .max_wait_ms = 10'000}), kFetchByName);
    EXPECT_EQ(Name(OnlyPartition(response).error_code), "OFFSET_OUT_OF_RANGE") << offset;
    EXPECT_TRUE(OnlyPartition(response).records->bytes.empty());
  }
  EXPECT_THAT(Fetch("orders", {.offset = 1}), IsEmpty());
}

TEST_F(FetchTest, UnknownTopicPartitionAndIdHaveTheirErrors) {
  EXPECT_EQ(Name(OnlyPartition(client_.Call(MakeFetch("nowhere"), kFetchByName)).error_code),
            "UNKNOWN_TOPIC_OR_PARTITION");
  for (const int32_t partition : {2, -1, 1 << 30}) {
    EXPECT_EQ(Name(OnlyPartition(client_.Call(MakeFetch("orders", {.partition = partition}), kFetchByName))
                       .error_code),
              "UNKNOWN_TOPIC_OR_PARTITION");
  }
  EXPECT_EQ(Name(OnlyPartition(client_.Call(MakeFetch("orders"), 13)).error_code), "UNKNOWN_TOPIC_ID");
}

TEST_F(FetchTest, OtherLeaderEpochsAreToldSo) {
  const int32_t epoch = broker_.partition("orders").leader_epoch().value();
  kafka::FetchRequest request = MakeFetch("orders");
  int32_t& claimed = request.topics[0].partitions[0].current_leader_epoch;
  claimed = epoch;
  EXPECT_EQ(Name(OnlyPartition(client_.Call(request, kFetchByName)).error_code), "NONE");
  claimed = epoch + 1;
  for (int16_t version = 9; version <= kFetchByName; ++version) {
    const auto response = client_.Call(request, version);
    EXPECT_EQ(Name(OnlyPartition(response).error_code), "UNKNOWN_LEADER_EPOCH") << "version " << version;
    EXPECT_EQ(OnlyPartition(response).current_leader.leader_epoch, version >= 12 ? epoch : -1);
  }
  broker_.Restart();
  RawClient client = broker_.Connect();
  claimed = epoch;
  const auto response = client.Call(request, kFetchByName);
  EXPECT_EQ(Name(OnlyPartition(response).error_code), "FENCED_LEADER_EPOCH");
  EXPECT_EQ(OnlyPartition(response).current_leader.leader_epoch, epoch + 1);
  EXPECT_EQ(OnlyPartition(response).current_leader.leader_id, 1);
}

TEST_F(FetchTest, LogThatWentAnotherWayIsToldWhere) {
  Produce("orders", {"a", "b"});
  const int32_t epoch = broker_.partition("orders").leader_epoch().value();
  broker_.Restart();
  RawClient client = broker_.Connect();
  client.Call(MakeProduce("orders", MakeBatch({"c"})), kProduceByName);
  kafka::FetchRequest request = MakeFetch("orders", {.offset = 3});
  request.topics[0].partitions[0].last_fetched_epoch = epoch;  // Whose records end at 2, not 3.
  const auto response = client.Call(request, kFetchByName);
  EXPECT_EQ(Name(OnlyPartition(response).error_code), "NONE");
  EXPECT_EQ(OnlyPartition(response).diverging_epoch.epoch, epoch);
  EXPECT_EQ(OnlyPartition(response).diverging_epoch.end_offset, 2);
  EXPECT_TRUE(OnlyPartition(response).records->bytes.empty());
}

TEST_F(FetchTest, NobodyBecomesAFollowerBySayingSo) {
  Produce("orders", {"a"});
  kafka::FetchRequest request = MakeFetch("orders");
  request.replica_id = 2;
  EXPECT_EQ(Name(OnlyPartition(client_.Call(request, kFetchByName)).error_code), "NOT_LEADER_OR_FOLLOWER");
  request.replica_id = -1;
  request.replica_state.replica_id = 2;
  request.topics[0].topic_id = topic_->id;
  const auto response = client_.Call(request, 15);
  EXPECT_EQ(Name(OnlyPartition(response).error_code), "NOT_LEADER_OR_FOLLOWER");
  EXPECT_TRUE(OnlyPartition(response).records->bytes.empty());
}

// Limits (KIP-74).

TEST_F(FetchTest, FirstBatchIsGivenEvenAboveTheLimits) {
  Produce("orders", {std::string(10'000, 'x')});
  EXPECT_EQ(Fetch("orders", {.max_bytes = 1, .partition_max_bytes = 1}).size(), 1u);
  EXPECT_EQ(Fetch("orders", {.max_bytes = 0, .partition_max_bytes = 0}).size(), 1u);
  EXPECT_EQ(Fetch("orders", {.max_bytes = -5, .partition_max_bytes = -5}).size(), 1u);
}

TEST_F(FetchTest, OnlyTheFirstPartitionWithRecordsGoesAboveTheLimits) {
  const std::string large(10'000, 'x');
  Produce("orders", {large}, 0);
  Produce("orders", {large}, 1);
  kafka::FetchRequest request =
      MakeFetch("orders", {.offset = 1, .partition_max_bytes = 100});  // At its end.
  AddPartition(&request, 1, 0, 100);
  AddPartition(&request, 0, 0, 100);
  const auto response = client_.Call(request, kFetchByName);
  const auto& partitions = response.responses[0].partitions;
  EXPECT_EQ(ValuesOf(partitions[0].records->bytes).size(), 0u);
  EXPECT_EQ(ValuesOf(partitions[1].records->bytes).size(), 1u);
  EXPECT_EQ(ValuesOf(partitions[2].records->bytes).size(), 0u);
}

TEST_F(FetchTest, ResponseHoldsWholeBatchesUpToTheLimits) {
  for (int i = 0; i < 10; ++i) {
    Produce("orders", {std::string(900, 'x')}, i % 2);  // Each batch takes about 970 bytes.
  }
  EXPECT_EQ(Fetch("orders", {.partition_max_bytes = 2'500}).size(), 2u);
  kafka::FetchRequest request = MakeFetch("orders", {.max_bytes = 4'500, .partition_max_bytes = 3'500});
  AddPartition(&request, 1, 0, 3'500);
  const auto response = client_.Call(request, kFetchByName);
  EXPECT_EQ(ValuesOf(response.responses[0].partitions[0].records->bytes).size(), 3u);
  EXPECT_EQ(ValuesOf(response.responses[0].partitions[1].records->bytes).size(), 1u);
}

TEST_F(FetchTest, PartitionsAreServedInTheOrderOfTheRequest) {
  const std::string large(10'000, 'x');
  Produce("orders", {large}, 0);
  Produce("orders", {large}, 1);
  for (const int32_t first : {0, 1}) {
    kafka::FetchRequest request = MakeFetch("orders", {.partition = first, .max_bytes = 11'000});
    AddPartition(&request, 1 - first, 0, 1 << 20);
    const auto response = client_.Call(request, kFetchByName);
    const auto& partitions = response.responses[0].partitions;
    EXPECT_EQ(partitions[0].partition_index, first);
    EXPECT_EQ(ValuesOf(partitions[0].records->bytes).size(), 1u);
    EXPECT_EQ(partitions[1].partition_index, 1 - first);
    EXPECT_EQ(ValuesOf(partitions[1].records->bytes).size(), 0u);
  }
}

TEST_F(FetchTest, OneResponseSpansSegments) {
  broker_.CreateTopic("small-segments", 1, {{"segment.bytes", "1048576"}});
  std::vector<std::string> expected;
  for (int i = 0; i < 12; ++i) {
    expected.push_back(std::string(300'000, static_cast<char>('a' + i)));
    Produce("small-segments", {expected.back()});
  }
  EXPECT_GT(broker_.log("small-segments").segment_count(), 2u);
  EXPECT_EQ(Fetch("small-segments", {.max_bytes = 50 << 20, .partition_max_bytes = 50 << 20}), expected);
}

// Long polls.

TEST_F(FetchTest, WaitingFetchIsWokenByAnAppend) {
  client_.Send(MakeFetch("orders", {.max_wait_ms = 15'000}), kFetchByName);
  EXPECT_FALSE(client_.HasAnswerWithin(50));
  RawClient producer = broker_.Connect();
  producer.Call(MakeProduce("orders", MakeBatch({"woken"})), kProduceByName);
  const auto began = std::chrono::steady_clock::now();
  const auto response = client_.Receive<kafka::FetchResponse>();
  EXPECT_THAT(ValuesOf(OnlyPartition(response).records->bytes), ElementsAre("woken"));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
}

TEST_F(FetchTest, FetchWithoutTimeToWaitIsAnsweredAtOnce) {
  for (const int32_t max_wait_ms : {0, -1, std::numeric_limits<int32_t>::min()}) {
    EXPECT_THAT(Fetch("orders", {.max_wait_ms = max_wait_ms, .min_bytes = 1 << 30}), IsEmpty());
  }
}

TEST_F(FetchTest, FetchThatFindsItsMinimumIsAnsweredAtOnce) {
  Produce("orders", {"there"});
  for (const int32_t min_bytes : {1, 0, -1}) {
    EXPECT_THAT(Fetch("orders", {.max_wait_ms = 60'000, .min_bytes = min_bytes}), ElementsAre("there"));
  }
  EXPECT_THAT(Fetch("orders", {.offset = 1, .max_wait_ms = 60'000, .min_bytes = 0}), IsEmpty());
}

TEST_F(FetchTest, ErrorOfOnePartitionIsToldAtOnceWithWhatTheOthersHave) {
  Produce("orders", {"there"});
  kafka::FetchRequest request = MakeFetch("orders", {.max_wait_ms = 60'000, .min_bytes = 1 << 20});
  AddPartition(&request, 1, 99, 1 << 20);
  const auto response = client_.Call(request, kFetchByName);
  const auto& partitions = response.responses[0].partitions;
  EXPECT_THAT(ValuesOf(partitions[0].records->bytes), ElementsAre("there"));
  EXPECT_EQ(Name(partitions[1].error_code), "OFFSET_OUT_OF_RANGE");
}

TEST_F(FetchTest, WaitingFetchIsAnsweredOnceItsPartitionHasItsShare) {
  RawClient producer = broker_.Connect();
  client_.Send(
      MakeFetch("orders", {.max_wait_ms = 60'000, .min_bytes = 1 << 20, .partition_max_bytes = 4'000}),
      kFetchByName);
  producer.Call(MakeProduce("orders", MakeBatch({std::string(3'000, 'x')})), kProduceByName);
  EXPECT_FALSE(client_.HasAnswerWithin(30));
  producer.Call(MakeProduce("orders", MakeBatch({std::string(3'000, 'y')})), kProduceByName);
  const auto response = client_.Receive<kafka::FetchResponse>();
  EXPECT_EQ(ValuesOf(OnlyPartition(response).records->bytes).size(), 1u);
}

TEST_F(FetchTest, WaitingFetchIsAnsweredEmptyWhenItsTimeIsOver) {
  const auto response = client_.Call(MakeFetch("orders", {.max_wait_ms = 30}), kFetchByName);
  EXPECT_EQ(Name(OnlyPartition(response).error_code), "NONE");
  EXPECT_TRUE(OnlyPartition(response).records->bytes.empty());
}

TEST_F(FetchTest, WaitingFetchWantsItsMinimum) {
  RawClient producer = broker_.Connect();
  client_.Send(MakeFetch("orders", {.max_wait_ms = 15'000, .min_bytes = 5'000}), kFetchByName);
  producer.Call(MakeProduce("orders", MakeBatch({"little"})), kProduceByName);
  EXPECT_FALSE(client_.HasAnswerWithin(50));
  producer.Call(MakeProduce("orders", MakeBatch({std::string(6'000, 'x')})), kProduceByName);
  const auto response = client_.Receive<kafka::FetchResponse>();
  EXPECT_EQ(ValuesOf(OnlyPartition(response).records->bytes).size(), 2u);
}

TEST_F(FetchTest, FetchThatCannotGetMoreDoesNotWait) {
  Produce("orders", {std::string(3'000, 'x')});
  Produce("orders", {std::string(3'000, 'y')});
  client_.Send(MakeFetch("orders", {.max_wait_ms = 15'000, .min_bytes = 5'000, .partition_max_bytes = 4'000}),
               kFetchByName);
  EXPECT_TRUE(client_.HasAnswerWithin(5'000));
  client_.Receive<kafka::FetchResponse>();
}

TEST_F(FetchTest, FetchOfNothingDoesNotWait) {
  kafka::FetchRequest request = MakeFetch("orders", {.max_wait_ms = 15'000});
  request.topics.clear();
  client_.Send(request, kFetchByName);
  EXPECT_TRUE(client_.HasAnswerWithin(5'000));
  EXPECT_THAT(client_.Receive<kafka::FetchResponse>().responses, IsEmpty());
}

TEST_F(FetchTest, WaitingFetchHearsThatItsTopicIsDeleted) {
  client_.Send(MakeFetch("orders", {.max_wait_ms = 15'000}), kFetchByName);
  EXPECT_FALSE(client_.HasAnswerWithin(50));
  EXPECT_TRUE(broker_.catalog().Delete("orders").ok());
  EXPECT_NE(OnlyPartition(client_.Receive<kafka::FetchResponse>()).error_code, 0);
}

TEST_F(FetchTest, RequestsBehindAWaitingFetchAreAnsweredAfterIt) {
  client_.Send(MakeFetch("orders", {.max_wait_ms = 50}), kFetchByName);
  client_.Send(MakeProduce("orders", MakeBatch({"later"})), kProduceByName);
  EXPECT_TRUE(OnlyPartition(client_.Receive<kafka::FetchResponse>()).records->bytes.empty());
  EXPECT_EQ(OnlyPartition(client_.Receive<kafka::ProduceResponse>()).base_offset, 0);
}

TEST_F(FetchTest, BrokerThatStopsAnswersWaitingFetchesWithWhatThereIs) {
  client_.Send(MakeFetch("orders", {.max_wait_ms = 60'000}), kFetchByName);
  RawClient second = broker_.Connect();
  second.Send(MakeFetch("orders", {.max_wait_ms = 60'000}), kFetchByName);
  const std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
  while (broker_.net_stats().bytes_in.value() < 2 * kFetchFrameBytesMin) {
    ASSERT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(20)) << "no requests came";
    std::this_thread::yield();
  }
  broker_.Restart();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5))
      << "the drain ran to its limit";
  for (RawClient* client : {&client_, &second}) {
    const auto response = client->Receive<kafka::FetchResponse>();
    EXPECT_EQ(Name(OnlyPartition(response).error_code), "NONE");
    EXPECT_THAT(ValuesOf(OnlyPartition(response).records->bytes), IsEmpty());
    EXPECT_TRUE(client->IsClosedByPeer());
  }
}

// The plan is outdated as soon as it is made, each time.
TEST(BusyPartitionTest, FetchThatPlansAgainAndAgainEndsInTimeAndLeavesTheThreadToOthers) {
  broker::FakeLogDir log_dir;
  TestBroker broker({.log_dir = &log_dir, .net = {.threads = 1}});
  broker.CreateTopic("busy");
  constexpr int64_t kEnd = 1'000'000'000'000;
  auto& log = static_cast<broker::FakeLog&>(broker.log("busy"));
  log.MoveReadableEnd(Offset(kEnd));
  log.moves_when_looked_at = true;
  RawClient patient = broker.Connect();
  patient.Send(MakeFetch("busy", {.offset = kEnd, .max_wait_ms = 60'000}), kFetchByName);
  RawClient hasty = broker.Connect();
  const auto response = hasty.Call(MakeFetch("busy", {.offset = kEnd, .max_wait_ms = 100}), kFetchByName);
  EXPECT_EQ(Name(OnlyPartition(response).error_code), "NONE");
}

}  // namespace
}  // namespace sluice
