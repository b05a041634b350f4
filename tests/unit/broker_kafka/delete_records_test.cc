// DeleteRecords: what was before the offset is gone, for consumers, and after a restart too.
#include "proto/kafka/gen/delete_records.h"

#include <gmock/gmock.h>

#include <thread>

#include "proto/kafka/gen/list_offsets.h"
#include "tests/unit/broker_kafka/kafka_fixture.h"

namespace sluice {
namespace {

using testing::ElementsAre;

class DeleteRecordsTest : public KafkaTest {
 protected:
  DeleteRecordsTest() {
    broker_.CreateTopic("orders", 2);
    for (const char* value : {"a", "b", "c", "d"}) {
      Produce("orders", {value});
    }
  }

  kafka::DeleteRecordsResponse Delete(const std::string& topic, std::vector<std::pair<int32_t, int64_t>> cuts,
                                      int16_t version = 2) {
    kafka::DeleteRecordsRequest request;
    request.timeout_ms = 1000;
    auto& asked = request.topics.emplace_back();
    asked.name = topic;
    for (const auto& [partition, offset] : cuts) {
      auto& cut = asked.partitions.emplace_back();
      cut.partition_index = partition;
      cut.offset = offset;
    }
    return client_.Call(request, version);
  }
  auto DeleteOne(int64_t offset, int32_t partition = 0, const std::string& topic = "orders") {
    return Delete(topic, {{partition, offset}}).topics.at(0).partitions.at(0);
  }
  int64_t Earliest() {
    kafka::ListOffsetsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = "orders";
    topic.partitions.emplace_back().timestamp = -2;
    return client_.Call(request, 7).topics.at(0).partitions.at(0).offset;
  }
};

TEST_F(DeleteRecordsTest, EveryVersionMovesTheStart) {
  for (int16_t version = 0; version <= 2; ++version) {
    const auto response = Delete("orders", {{0, version + 1}}, version);
    const auto& result = response.topics.at(0).partitions.at(0);
    EXPECT_EQ(Name(result.error_code), "NONE");
    EXPECT_EQ(result.low_watermark, version + 1);
    EXPECT_EQ(Earliest(), version + 1);
  }
  EXPECT_THAT(Fetch("orders", {.offset = 3}), ElementsAre("d"));
  EXPECT_EQ(Name(OnlyPartition(client_.Call(MakeFetch("orders", {.offset = 2}), kFetchByName)).error_code),
            "OFFSET_OUT_OF_RANGE");
}

TEST_F(DeleteRecordsTest, MinusOneStandsForTheHighWatermark) {
  EXPECT_EQ(DeleteOne(-1).low_watermark, 4);
  EXPECT_EQ(Earliest(), 4);
  EXPECT_EQ(Produce("orders", {"e"}), 4);
  EXPECT_THAT(Fetch("orders", {.offset = 4}), ElementsAre("e"));
}

TEST_F(DeleteRecordsTest, AnOffsetBelowTheStartChangesNothing) {
  DeleteOne(3);
  const auto again = DeleteOne(1);
  EXPECT_EQ(Name(again.error_code), "NONE");
  EXPECT_EQ(again.low_watermark, 3);
}

TEST_F(DeleteRecordsTest, RefusalsHaveKafkasCodesAndNoWatermark) {
  const auto beyond = DeleteOne(5);
  EXPECT_EQ(Name(beyond.error_code), "OFFSET_OUT_OF_RANGE");
  EXPECT_EQ(beyond.low_watermark, -1);
  EXPECT_EQ(Name(DeleteOne(-2).error_code), "OFFSET_OUT_OF_RANGE");
  EXPECT_EQ(Name(DeleteOne(0, 9).error_code), "UNKNOWN_TOPIC_OR_PARTITION");
  EXPECT_EQ(Name(DeleteOne(0, 0, "nowhere").error_code), "UNKNOWN_TOPIC_OR_PARTITION");
  const auto both = Delete("orders", {{0, 1}, {0, 2}});
  for (const auto& twice : both.topics.at(0).partitions) {
    EXPECT_EQ(Name(twice.error_code), "INVALID_REQUEST");
  }
  EXPECT_EQ(Earliest(), 0);
}

TEST_F(DeleteRecordsTest, EachPartitionSucceedsOrFailsByItself) {
  const auto response = Delete("orders", {{1, 7}, {0, 2}});
  EXPECT_EQ(Name(response.topics.at(0).partitions.at(0).error_code), "OFFSET_OUT_OF_RANGE");
  EXPECT_EQ(response.topics.at(0).partitions.at(1).low_watermark, 2);
}

TEST_F(DeleteRecordsTest, TheBrokersOwnTopicsAreNotCut) {
  broker_.CreateTopic("__internal");
  EXPECT_EQ(Name(DeleteOne(-1, 0, "__internal").error_code), "INVALID_TOPIC_EXCEPTION");
}

TEST_F(DeleteRecordsTest, TheStartIsKeptOverARestart) {
  DeleteOne(2);
  broker_.Restart();
  client_ = broker_.Connect();
  EXPECT_EQ(Earliest(), 2);
  EXPECT_THAT(Fetch("orders", {.offset = 2}), ElementsAre("c", "d"));
}

TEST_F(DeleteRecordsTest, AppendsGoOnMeanwhile) {
  std::thread producer([this] {
    RawClient client = broker_.Connect();
    for (int i = 0; i < 200; ++i) {
      const Bytes batch = MakeBatch({"more"});
      ASSERT_EQ(OnlyPartition(client.Call(MakeProduce("orders", batch), kProduceByName)).base_offset, 4 + i);
    }
  });
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(Name(DeleteOne(-1).error_code), "NONE");
  }
  producer.join();
  EXPECT_EQ(DeleteOne(-1).low_watermark, 204);
}

}  // namespace
}  // namespace sluice
