// ListOffsets and OffsetForLeaderEpoch.
#include <gmock/gmock.h>

#include "proto/kafka/gen/list_offsets.h"
#include "proto/kafka/gen/offset_for_leader_epoch.h"
#include "tests/unit/broker_kafka/kafka_fixture.h"

namespace sluice {
namespace {

kafka::ListOffsetsRequest AskFor(int64_t timestamp, int32_t partition = 0) {
  kafka::ListOffsetsRequest request;
  request.replica_id = -1;
  auto& topic = request.topics.emplace_back();
  topic.name = "orders";
  auto& asked = topic.partitions.emplace_back();
  asked.partition_index = partition;
  asked.timestamp = timestamp;
  return request;
}

class ListOffsetsTest : public KafkaTest {
 protected:
  ListOffsetsTest() { broker_.CreateTopic("orders"); }

  // Records at these times, in one batch.
  void ProduceAt(const std::vector<int64_t>& times_ms) {
    record::BatchBuilder builder;
    for (const int64_t time_ms : times_ms) {
      CHECK_OK(builder.Append(time_ms, std::nullopt, AsBytes("value")));
    }
    Produce("orders", ToBytes(builder.Build().value()));
  }
  auto List(int64_t timestamp, int16_t version = 11) {
    const auto response = client_.Call(AskFor(timestamp), version);
    return response.topics.at(0).partitions.at(0);
  }
};

TEST_F(ListOffsetsTest, EveryVersionKnowsStartAndEnd) {
  Produce("orders", {"a", "b", "c"});
  const int32_t epoch = broker_.partition("orders").leader_epoch().value();
  for (int16_t version = 1; version <= 11; ++version) {
    const auto latest = List(-1, version);
    EXPECT_EQ(Name(latest.error_code), "NONE");
    EXPECT_EQ(latest.offset, 3);
    EXPECT_EQ(latest.timestamp, -1);
    EXPECT_EQ(latest.leader_epoch, version >= 4 ? epoch : -1);
    const auto earliest = List(-2, version);
    EXPECT_EQ(earliest.offset, 0);
    EXPECT_EQ(earliest.timestamp, -1);
    EXPECT_EQ(earliest.leader_epoch, version >= 4 ? epoch : -1);
  }
}

TEST_F(ListOffsetsTest, SpecialTimesBelongToVersions) {
  ProduceAt({100, 300, 200});
  const std::vector<std::pair<int64_t, int16_t>> specials = {{-3, 7}, {-4, 8}, {-5, 9}, {-6, 11}};
  for (const auto& [special, since] : specials) {
    for (int16_t version = 1; version <= 11; ++version) {
      EXPECT_EQ(Name(List(special, version).error_code), version < since ? "UNSUPPORTED_VERSION" : "NONE")
          << special << " in version " << version;
    }
  }
  EXPECT_EQ(Name(List(-7).error_code), "UNSUPPORTED_VERSION");
  EXPECT_EQ(Name(List(std::numeric_limits<int64_t>::min()).error_code), "UNSUPPORTED_VERSION");
  EXPECT_EQ(List(-3).offset, 1);
  EXPECT_EQ(List(-3).timestamp, 300);
  EXPECT_EQ(List(-4).offset, 0);
  EXPECT_EQ(List(-5).offset, -1);
  EXPECT_EQ(List(-6).offset, -1);
}

TEST_F(ListOffsetsTest, TimeFindsTheFirstRecordNotBeforeIt) {
  ProduceAt({100, 300, 200});
  ProduceAt({250, 400});
  EXPECT_EQ(List(0).offset, 0);
  EXPECT_EQ(List(100).offset, 0);
  EXPECT_EQ(List(101).offset, 1);
  EXPECT_EQ(List(101).timestamp, 300);
  EXPECT_EQ(List(301).offset, 4);
  EXPECT_EQ(List(401).offset, -1);
  EXPECT_EQ(List(401).timestamp, -1);
  EXPECT_EQ(Name(List(401).error_code), "NONE");
}

TEST_F(ListOffsetsTest, EmptyLogHasStartAndEndAndNoTimes) {
  EXPECT_EQ(List(-1).offset, 0);
  EXPECT_EQ(List(-2).offset, 0);
  EXPECT_EQ(List(-3).offset, -1);
  EXPECT_EQ(List(5).offset, -1);
  EXPECT_EQ(Name(List(5).error_code), "NONE");
}

TEST_F(ListOffsetsTest, DuplicatesAreInvalidAndUnknownOnesUnknown) {
  kafka::ListOffsetsRequest request = AskFor(-1);
  auto& asked = request.topics[0].partitions;
  asked.push_back(asked[0]);
  asked.push_back(asked[0]);
  asked[2].partition_index = 9;
  const auto answers = client_.Call(request, 11).topics.at(0).partitions;
  EXPECT_EQ(Name(answers.at(0).error_code), "INVALID_REQUEST");
  EXPECT_EQ(Name(answers.at(1).error_code), "INVALID_REQUEST");
  EXPECT_EQ(Name(answers.at(2).error_code), "UNKNOWN_TOPIC_OR_PARTITION");
}

TEST_F(ListOffsetsTest, OtherLeaderEpochsAreToldSo) {
  kafka::ListOffsetsRequest request = AskFor(-1);
  int32_t& claimed = request.topics[0].partitions[0].current_leader_epoch;
  claimed = broker_.partition("orders").leader_epoch().value() + 1;
  EXPECT_EQ(Name(client_.Call(request, 11).topics.at(0).partitions.at(0).error_code), "UNKNOWN_LEADER_EPOCH");
}

class OffsetForLeaderEpochTest : public KafkaTest {
 protected:
  OffsetForLeaderEpochTest() {
    broker_.CreateTopic("orders");
    first_epoch_ = broker_.partition("orders").leader_epoch().value();
    Produce("orders", {"a", "b"});
  }

  auto Ask(RawClient& client, int32_t epoch, int16_t version = 4) {
    kafka::OffsetForLeaderEpochRequest request;
    auto& topic = request.topics.emplace_back();
    topic.topic = "orders";
    auto& partition = topic.partitions.emplace_back();
    partition.leader_epoch = epoch;
    return client.Call(request, version).topics.at(0).partitions.at(0);
  }

  int32_t first_epoch_ = 0;
};

TEST_F(OffsetForLeaderEpochTest, EveryVersionTellsWhereOurOwnEpochEnds) {
  for (int16_t version = 2; version <= 4; ++version) {
    const auto answer = Ask(client_, first_epoch_, version);
    EXPECT_EQ(Name(answer.error_code), "NONE");
    EXPECT_EQ(answer.leader_epoch, first_epoch_);
    EXPECT_EQ(answer.end_offset, 2);
  }
}

TEST_F(OffsetForLeaderEpochTest, EarlierEpochEndsWhereTheNextBegan) {
  broker_.Restart();
  RawClient client = broker_.Connect();
  EXPECT_EQ(Ask(client, first_epoch_ + 1).end_offset, 2)
      << "an epoch without records ends where the log ends";
  client.Call(MakeProduce("orders", MakeBatch({"c"})), kProduceByName);
  EXPECT_EQ(Ask(client, first_epoch_).leader_epoch, first_epoch_);
  EXPECT_EQ(Ask(client, first_epoch_).end_offset, 2);
  EXPECT_EQ(Ask(client, first_epoch_ + 1).end_offset, 3);
}

TEST_F(OffsetForLeaderEpochTest, EpochThatNeverWasEndsNowhere) {
  for (const int32_t epoch : {first_epoch_ + 1, -1, std::numeric_limits<int32_t>::max()}) {
    const auto answer = Ask(client_, epoch);
    EXPECT_EQ(Name(answer.error_code), "NONE");
    EXPECT_EQ(answer.leader_epoch, -1);
    EXPECT_EQ(answer.end_offset, -1);
  }
}

}  // namespace
}  // namespace sluice
