// Fetch sessions (KIP-227) over the wire: what is asked, what is kept, what is told.
#include <gmock/gmock.h>

#include <chrono>

#include "tests/unit/broker_kafka/kafka_fixture.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int32_t kPartitions = 6;

class FetchSessionTest : public KafkaTest {
 protected:
  explicit FetchSessionTest(TestBroker::Options options = {}) : KafkaTest(std::move(options)) {
    topic_ = broker_.CreateTopic("orders", kPartitions);
  }

  // A request without partitions, to which Add() gives some.
  kafka::FetchRequest Next(int32_t max_wait_ms = 0) {
    kafka::FetchRequest request;
    request.max_wait_ms = max_wait_ms;
    request.min_bytes = 1;
    request.max_bytes = 1 << 20;
    request.session_id = id_;
    request.session_epoch = epoch_;
    return request;
  }
  void Add(kafka::FetchRequest* request, int32_t partition, int64_t offset, int32_t bytes_max = 1 << 20,
           const std::string& topic = "orders") {
    if (request->topics.empty() || request->topics.back().topic != topic) {
      auto& asked = request->topics.emplace_back();
      asked.topic = topic;
      asked.topic_id = topic_->id;
    }
    auto& asked = request->topics.back().partitions.emplace_back();
    asked.partition = partition;
    asked.fetch_offset = offset;
    asked.partition_max_bytes = bytes_max;
  }
  static void Forget(kafka::FetchRequest* request, int32_t partition) {
    auto& forgotten = request->forgotten_topics_data.emplace_back();
    forgotten.topic = "orders";
    forgotten.partitions = {partition};
  }

  // Opens a session of all partitions, each from its end.
  void Open(int16_t version = kFetchByName) {
    epoch_ = 0;
    kafka::FetchRequest request = Next();
    for (int32_t i = 0; i < kPartitions; ++i) {
      Add(&request, i, broker_.log("orders", i).end().value());
    }
    const auto response = client_.Call(request, version);
    EXPECT_EQ(Name(response.error_code), "NONE");
    EXPECT_NE(response.session_id, 0);
    id_ = response.session_id;
    epoch_ = 1;
  }
  // Sends it with the session's next epoch.
  kafka::FetchResponse Call(kafka::FetchRequest request, int16_t version = kFetchByName) {
    request.session_epoch = epoch_++;
    return client_.Call(request, version);
  }
  static std::vector<int32_t> PartitionsOf(const kafka::FetchResponse& response) {
    std::vector<int32_t> partitions;
    for (const auto& topic : response.responses) {
      for (const auto& partition : topic.partitions) {
        partitions.push_back(partition.partition_index);
      }
    }
    return partitions;
  }
  // By a producer of its own.
  void Put(int32_t partition, const std::string& value = "value") {
    RawClient producer = broker_.Connect();
    producer.Call(MakeProduce("orders", MakeBatch({value}), -1, partition), kProduceByName);
  }
  size_t sessions() const { return broker_.fetch_session_stats().sessions; }

  broker::TopicPtr topic_;
  int32_t id_ = 0;
  int32_t epoch_ = 0;
};

// Full fetches.

TEST_F(FetchSessionTest, AFullFetchWithEpochZeroOpensASession) {
  Produce("orders", {"a"});
  for (int16_t version = 7; version <= 18; ++version) {
    kafka::FetchRequest request = MakeFetch("orders");
    request.topics[0].topic_id = topic_->id;
    request.session_epoch = 0;
    const auto response = client_.Call(request, version);
    EXPECT_EQ(Name(response.error_code), "NONE");
    EXPECT_GT(response.session_id, 0);
    EXPECT_THAT(ValuesOf(OnlyPartition(response).records->bytes), ElementsAre("a"));
  }
  EXPECT_EQ(sessions(), 12u);
}

TEST_F(FetchSessionTest, AClientThatDoesNotAskGetsNone) {
  for (int16_t version = 4; version <= 18; ++version) {
    kafka::FetchRequest request = MakeFetch("orders");  // Its epoch is -1.
    request.topics[0].topic_id = topic_->id;
    EXPECT_EQ(client_.Call(request, version).session_id, 0);
  }
  EXPECT_EQ(sessions(), 0u);
}

TEST_F(FetchSessionTest, EpochMinusOneClosesTheSessionAndAnswersInFull) {
  Open();
  epoch_ = -1;
  kafka::FetchRequest request = Next();
  Add(&request, 0, 0);
  const auto response = client_.Call(request, kFetchByName);
  EXPECT_EQ(Name(response.error_code), "NONE");
  EXPECT_EQ(response.session_id, 0);
  EXPECT_THAT(PartitionsOf(response), ElementsAre(0));
  EXPECT_EQ(sessions(), 0u);
}

TEST_F(FetchSessionTest, EpochZeroWithAnIdReplacesTheSession) {
  Open();
  const int32_t old = id_;
  Open();
  EXPECT_NE(id_, old);
  EXPECT_EQ(sessions(), 1u);
  id_ = old;
  EXPECT_EQ(Name(Call(Next()).error_code), "FETCH_SESSION_ID_NOT_FOUND");
}

TEST_F(FetchSessionTest, ClosingASessionThatIsNotThereIsNoError) {
  for (const int32_t epoch : {0, -1}) {
    kafka::FetchRequest request = MakeFetch("orders");
    request.session_id = 77;
    request.session_epoch = epoch;
    EXPECT_EQ(Name(client_.Call(request, kFetchByName).error_code), "NONE");
  }
}

// Errors.

TEST_F(FetchSessionTest, AnIdThatWasNeverGivenIsNotFoundAtOnce) {
  for (const auto& [id, epoch] : std::vector<std::pair<int32_t, int32_t>>{{77, 1}, {0, 1}, {77, 1 << 30}}) {
    kafka::FetchRequest request = MakeFetch("orders", {.max_wait_ms = 10'000});
    request.session_id = id;
    request.session_epoch = epoch;
    const auto response = client_.Call(request, kFetchByName);
    EXPECT_EQ(Name(response.error_code), "FETCH_SESSION_ID_NOT_FOUND");
    EXPECT_EQ(response.session_id, 0);
    EXPECT_THAT(response.responses, IsEmpty());
  }
}

TEST_F(FetchSessionTest, AnEpochThatIsNotTheNextIsInvalidAndChangesNothing) {
  Open();
  for (const int32_t wrong : {2, 1 << 30, -2}) {
    kafka::FetchRequest request = Next(10'000);
    request.session_epoch = wrong;
    Forget(&request, 0);
    const auto response = client_.Call(request, kFetchByName);
    EXPECT_EQ(Name(response.error_code), "INVALID_FETCH_SESSION_EPOCH");
    EXPECT_THAT(response.responses, IsEmpty());
  }
  Put(0);
  EXPECT_THAT(PartitionsOf(Call(Next())), ElementsAre(0));
}

TEST_F(FetchSessionTest, ASwitchBetweenNamesAndIdsIsAnError) {
  Open(12);
  EXPECT_EQ(Name(Call(Next(), 13).error_code), "FETCH_SESSION_TOPIC_ID_ERROR");
  epoch_ = 1;
  EXPECT_EQ(Name(Call(Next(), 12).error_code), "NONE");
  id_ = 0;
  Open(13);
  EXPECT_EQ(Name(Call(Next(), 12).error_code), "FETCH_SESSION_TOPIC_ID_ERROR");
}

// Incremental fetches.

TEST_F(FetchSessionTest, OnlyPartitionsWithNewsAreTold) {
  for (const int16_t version : std::vector<int16_t>{7, 11, 12, 13, 18}) {
    id_ = 0;
    Open(version);
    EXPECT_THAT(Call(Next(), version).responses, IsEmpty());
    Put(3, "news");
    const auto response = Call(Next(), version);
    EXPECT_EQ(response.session_id, id_);
    ASSERT_THAT(PartitionsOf(response), ElementsAre(3)) << "version " << version;
    EXPECT_THAT(ValuesOf(OnlyPartition(response).records->bytes), ElementsAre("news"));
    kafka::FetchRequest read = Next();
    Add(&read, 3, broker_.log("orders", 3).end().value());
    EXPECT_THAT(Call(read, version).responses, IsEmpty());
  }
}

// Kafka reads again from the position that it knows.
TEST_F(FetchSessionTest, RecordsComeAgainUntilThePositionMovesOn) {
  Open();
  Put(1);
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(PartitionsOf(Call(Next())), ElementsAre(1));
  }
  kafka::FetchRequest read = Next();
  Add(&read, 1, 1);
  EXPECT_THAT(Call(read).responses, IsEmpty());
}

TEST_F(FetchSessionTest, PartitionsAreAddedChangedAndForgotten) {
  epoch_ = 0;
  kafka::FetchRequest open = Next();
  Add(&open, 0, 0);
  id_ = client_.Call(open, kFetchByName).session_id;
  epoch_ = 1;
  Put(0);
  Put(1);
  kafka::FetchRequest add = Next();
  Add(&add, 1, 0);
  EXPECT_THAT(PartitionsOf(Call(add)), ElementsAre(0, 1));
  kafka::FetchRequest change = Next();
  Add(&change, 0, 1);
  Forget(&change, 1);
  EXPECT_THAT(Call(change).responses, IsEmpty());
  Put(1);
  EXPECT_THAT(Call(Next()).responses, IsEmpty()) << "it was forgotten";
  Put(0);
  EXPECT_THAT(PartitionsOf(Call(Next())), ElementsAre(0));
}

TEST_F(FetchSessionTest, ASessionThatForgetsAllItsPartitionsIsOver) {
  Open();
  kafka::FetchRequest forget = Next(10'000);
  for (int32_t i = 0; i < kPartitions; ++i) {
    Forget(&forget, i);
  }
  const auto response = Call(forget);
  EXPECT_EQ(Name(response.error_code), "NONE");
  EXPECT_EQ(response.session_id, 0);
  EXPECT_EQ(sessions(), 0u);
}

TEST_F(FetchSessionTest, ANewLogStartAloneIsNews) {
  Put(2);
  Open();
  EXPECT_THAT(Call(Next()).responses, IsEmpty());
  CHECK_OK(broker_.log("orders", 2).AdvanceStart(Offset(1)));
  const auto response = Call(Next());
  ASSERT_THAT(PartitionsOf(response), ElementsAre(2));
  EXPECT_EQ(OnlyPartition(response).log_start_offset, 1);
  EXPECT_THAT(Call(Next()).responses, IsEmpty());
}

TEST_F(FetchSessionTest, AnErrorIsToldEachTimeAndItsEndIsNews) {
  Open();
  kafka::FetchRequest wrong = Next(10'000);
  Add(&wrong, 4, 99);
  EXPECT_EQ(Name(OnlyPartition(Call(wrong)).error_code), "OFFSET_OUT_OF_RANGE");
  EXPECT_EQ(Name(OnlyPartition(Call(Next(10'000))).error_code), "OFFSET_OUT_OF_RANGE");
  kafka::FetchRequest right = Next();
  Add(&right, 4, 0);
  const auto response = Call(right);
  ASSERT_THAT(PartitionsOf(response), ElementsAre(4));
  EXPECT_EQ(Name(OnlyPartition(response).error_code), "NONE");
  EXPECT_EQ(OnlyPartition(response).high_watermark, 0);
}

TEST_F(FetchSessionTest, ATopicThatIsDeletedAndMadeAgainIsFollowedByName) {
  Open();
  EXPECT_THAT(Call(Next()).responses, IsEmpty());
  ASSERT_TRUE(broker_.catalog().Delete("orders").ok());
  const auto gone = Call(Next(10'000));
  ASSERT_EQ(PartitionsOf(gone).size(), static_cast<size_t>(kPartitions));
  EXPECT_EQ(Name(gone.responses[0].partitions[0].error_code), "UNKNOWN_TOPIC_OR_PARTITION");
  broker_.CreateTopic("orders", kPartitions);
  EXPECT_EQ(PartitionsOf(Call(Next())).size(), static_cast<size_t>(kPartitions));
  Put(5);
  EXPECT_THAT(PartitionsOf(Call(Next())), ElementsAre(5));
}

TEST_F(FetchSessionTest, ATopicThatIsDeletedIsUnknownByItsId) {
  Open(13);
  ASSERT_TRUE(broker_.catalog().Delete("orders").ok());
  const auto gone = Call(Next(10'000), 13);
  ASSERT_EQ(PartitionsOf(gone).size(), static_cast<size_t>(kPartitions));
  EXPECT_EQ(Name(gone.responses[0].partitions[0].error_code), "UNKNOWN_TOPIC_ID");
}

// KIP-110: a client of version 9 could not open the records.
TEST_F(FetchSessionTest, ANewVersionLooksAtWhatRestsOnceMore) {
  broker_.CreateTopic("zstd", 1, {{"compression.type", "zstd"}});
  epoch_ = 0;
  kafka::FetchRequest open = Next();
  Add(&open, 0, 0, 1 << 20, "zstd");
  id_ = client_.Call(open, 10).session_id;
  epoch_ = 1;
  EXPECT_THAT(Call(Next(), 10).responses, IsEmpty());
  EXPECT_EQ(Name(OnlyPartition(Call(Next(60'000), 9)).error_code), "UNSUPPORTED_COMPRESSION_TYPE");
}

TEST_F(FetchSessionTest, ALeaderEpochThatIsFencedIsToldAtOnce) {
  Open();
  kafka::FetchRequest request = Next(60'000);
  Add(&request, 2, 0);
  request.topics[0].partitions[0].current_leader_epoch = 0;
  ASSERT_GT(broker_.partition("orders").leader_epoch().value(), 0);
  EXPECT_EQ(Name(OnlyPartition(Call(request)).error_code), "FENCED_LEADER_EPOCH");
}

TEST_F(FetchSessionTest, APartitionThatIsThereTwiceIsKeptOnce) {
  epoch_ = 0;
  kafka::FetchRequest open = Next();
  Add(&open, 0, 0);
  Add(&open, 0, 0);
  id_ = client_.Call(open, kFetchByName).session_id;
  epoch_ = 1;
  Put(0);
  EXPECT_THAT(PartitionsOf(Call(Next())), ElementsAre(0));
  EXPECT_EQ(broker_.fetch_session_stats().partitions, 1u);
}

// Turns.

TEST_F(FetchSessionTest, APartitionThatGaveRecordsGoesToTheEndSoThatNoneStarves) {
  Open();
  const std::string large(10'000, 'x');
  for (int32_t i = 0; i < 3; ++i) {
    Put(i, large);
    Put(i, large);
  }
  std::vector<int32_t> given;
  std::vector<int64_t> offsets(kPartitions, 0);
  for (int round = 0; round < 6; ++round) {
    kafka::FetchRequest request = Next();
    request.max_bytes = 11'000;  // Room for one batch.
    if (!given.empty()) {
      Add(&request, given.back(), offsets[static_cast<size_t>(given.back())]);
    }
    const auto response = Call(request);
    for (const auto& answer : response.responses.at(0).partitions) {
      if (!ValuesOf(answer.records->bytes).empty()) {
        given.push_back(answer.partition_index);
        ++offsets[static_cast<size_t>(answer.partition_index)];
      }
    }
  }
  EXPECT_THAT(given, ElementsAre(0, 1, 2, 0, 1, 2));
}

TEST_F(FetchSessionTest, OneWithoutRoomInTheResponseIsServedNextTime) {
  Open();
  const std::string large(10'000, 'x');
  Put(0, large);
  Put(1, large);
  kafka::FetchRequest narrow = Next();
  narrow.max_bytes = 11'000;
  const auto first = Call(narrow);
  EXPECT_EQ(ValuesOf(first.responses[0].partitions[0].records->bytes).size(), 1u);
  kafka::FetchRequest read = Next();
  Add(&read, 0, 1);
  const auto second = Call(read);
  ASSERT_THAT(PartitionsOf(second), ElementsAre(1));
  EXPECT_EQ(ValuesOf(OnlyPartition(second).records->bytes).size(), 1u);
}

// Long polls: an empty incremental request means the partitions of the session.

TEST_F(FetchSessionTest, AnEmptyRequestWaitsForThePartitionsOfTheSession) {
  Open();
  for (int round = 0; round < 3; ++round) {
    kafka::FetchRequest request = Next(15'000);
    request.session_epoch = epoch_++;
    client_.Send(request, kFetchByName);
    EXPECT_FALSE(client_.HasAnswerWithin(30));
    Put(round + 1, "woken");
    const auto began = std::chrono::steady_clock::now();
    const auto response = client_.Receive<kafka::FetchResponse>();
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
    ASSERT_THAT(PartitionsOf(response), ElementsAre(round + 1));
    kafka::FetchRequest read = Next();
    Add(&read, round + 1, 1);
    Call(read);
  }
}

TEST_F(FetchSessionTest, AnEmptyRequestKeepsToItsMaxWait) {
  Open();
  const auto began = std::chrono::steady_clock::now();
  const auto response = Call(Next(100));
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(100));
  EXPECT_EQ(Name(response.error_code), "NONE");
  EXPECT_EQ(response.session_id, id_);
  EXPECT_THAT(response.responses, IsEmpty());
}

TEST_F(FetchSessionTest, AWaitingRequestWantsItsMinimumAndThenGetsAllOfIt) {
  Open();
  kafka::FetchRequest request = Next(15'000);
  request.min_bytes = 5'000;
  request.session_epoch = epoch_++;
  client_.Send(request, kFetchByName);
  Put(1, "little");
  EXPECT_FALSE(client_.HasAnswerWithin(30));
  Put(2, std::string(6'000, 'x'));
  EXPECT_THAT(PartitionsOf(client_.Receive<kafka::FetchResponse>()), ElementsAre(1, 2));
}

TEST_F(FetchSessionTest, WhatCameBetweenTwoRequestsIsAnsweredAtOnce) {
  Open();
  Call(Next());
  Put(1);
  const auto began = std::chrono::steady_clock::now();
  EXPECT_THAT(PartitionsOf(Call(Next(15'000))), ElementsAre(1));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
}

TEST_F(FetchSessionTest, AWaitingRequestHearsThatItsTopicIsDeleted) {
  Open();
  kafka::FetchRequest request = Next(15'000);
  request.session_epoch = epoch_++;
  client_.Send(request, kFetchByName);
  EXPECT_FALSE(client_.HasAnswerWithin(30));
  EXPECT_TRUE(broker_.catalog().Delete("orders").ok());
  const auto response = client_.Receive<kafka::FetchResponse>();
  ASSERT_FALSE(response.responses.empty());
  EXPECT_NE(response.responses[0].partitions[0].error_code, 0);
}

TEST_F(FetchSessionTest, ALaterRequestOnAnotherConnectionTakesTheSessionOver) {
  Open();
  kafka::FetchRequest waiting = Next(60'000);
  waiting.session_epoch = epoch_++;
  client_.Send(waiting, kFetchByName);
  EXPECT_FALSE(client_.HasAnswerWithin(30));
  RawClient second = broker_.Connect();
  kafka::FetchRequest later = Next();
  later.session_epoch = epoch_++;
  EXPECT_EQ(Name(second.Call(later, kFetchByName).error_code), "NONE");
  const auto response = client_.Receive<kafka::FetchResponse>();
  EXPECT_EQ(Name(response.error_code), "INVALID_FETCH_SESSION_EPOCH");
  EXPECT_EQ(response.session_id, id_);
  EXPECT_THAT(response.responses, IsEmpty());
}

TEST_F(FetchSessionTest, ASessionOutlivesItsConnection) {
  Open();
  client_.FinishSending();
  EXPECT_TRUE(client_.IsClosedByPeer());
  Put(1);
  RawClient second = broker_.Connect();
  kafka::FetchRequest request = Next();
  EXPECT_THAT(PartitionsOf(second.Call(request, kFetchByName)), ElementsAre(1));
}

TEST_F(FetchSessionTest, AWaitingRequestIsAnsweredWhenTheBrokerStops) {
  Open();
  kafka::FetchRequest request = Next(60'000);
  request.session_epoch = epoch_++;
  client_.Send(request, kFetchByName);
  EXPECT_FALSE(client_.HasAnswerWithin(30));
  broker_.Restart();
  EXPECT_EQ(Name(client_.Receive<kafka::FetchResponse>().error_code), "NONE");
}

TEST_F(FetchSessionTest, WhatWasAcknowledgedIsThereForTheNextRequest) {
  Open();
  Call(Next());
  std::vector<int64_t> offsets(kPartitions, 0);
  for (int round = 0; round < 200; ++round) {
    const int32_t partition = round % kPartitions;
    Put(partition);
    kafka::FetchRequest request = Next();
    if (round > 0) {
      const int32_t last = (round - 1) % kPartitions;
      Add(&request, last, ++offsets[static_cast<size_t>(last)]);
    }
    ASSERT_THAT(PartitionsOf(Call(request)), ElementsAre(partition)) << "round " << round;
  }
}

TEST_F(FetchSessionTest, ARestartForgetsSessions) {
  Open();
  broker_.Restart();
  client_ = broker_.Connect();
  EXPECT_EQ(Name(Call(Next()).error_code), "FETCH_SESSION_ID_NOT_FOUND");
}

// Room.

class FewSlotsTest : public FetchSessionTest {
 protected:
  FewSlotsTest() : FetchSessionTest({.configs = {{"max.incremental.fetch.session.cache.slots", "2"}}}) {}
};

TEST_F(FewSlotsTest, WithoutAFreeSlotTheAnswerIsFullAndHasNoId) {
  Put(0);
  for (const bool expect_session : {true, true, false}) {
    kafka::FetchRequest request = MakeFetch("orders");
    request.session_epoch = 0;
    const auto response = client_.Call(request, kFetchByName);
    EXPECT_EQ(response.session_id != 0, expect_session);
    EXPECT_THAT(ValuesOf(OnlyPartition(response).records->bytes), ElementsAre("value"));
  }
}

}  // namespace
}  // namespace sluice
