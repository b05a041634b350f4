// What a producer sends is in the log, byte for byte, in its order.
#include <gmock/gmock.h>

#include "proto/record/batch_patch.h"
#include "tests/unit/broker_kafka/kafka_fixture.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ProduceTest : public KafkaTest {
 protected:
  ProduceTest() { topic_ = broker_.CreateTopic("orders", 2); }
  broker::TopicPtr topic_;
};

TEST_F(ProduceTest, EveryVersionAppends) {
  for (int16_t version = 3; version <= 13; ++version) {
    const Bytes batch = MakeBatch({"value"});
    kafka::ProduceRequest request = MakeProduce("orders", batch);
    request.topic_data[0].topic_id = topic_->id;
    const auto response = client_.Call(request, version);
    const auto& answer = OnlyPartition(response);
    EXPECT_EQ(Name(answer.error_code), "NONE") << "version " << version;
    EXPECT_EQ(answer.base_offset, version - 3);
    EXPECT_EQ(answer.log_append_time_ms, -1);
    EXPECT_EQ(answer.log_start_offset, version >= 5 ? 0 : -1);
    if (version >= 13) {
      EXPECT_EQ(response.responses[0].topic_id, topic_->id);
    } else {
      EXPECT_EQ(response.responses[0].name, "orders");
    }
  }
  EXPECT_EQ(broker_.log("orders").end().value(), 11);
}

TEST_F(ProduceTest, FetchedBatchIsTheProducedOneButForOffsetAndEpoch) {
  Produce("orders", {"first"});
  const Bytes batch = MakeBatch({"a", "b", "c"});
  EXPECT_EQ(Produce("orders", batch), 1);
  const auto response = client_.Call(MakeFetch("orders", {.offset = 1}), kFetchByName);
  const ByteView fetched = OnlyPartition(response).records->bytes;
  ASSERT_EQ(fetched.size(), batch.size());
  const record::BatchView view(fetched);
  EXPECT_EQ(view.base_offset().value(), 1);
  EXPECT_EQ(view.leader_epoch(), broker_.partition("orders").leader_epoch());
  // All else is the same: the length, and everything from the magic on.
  EXPECT_TRUE(std::ranges::equal(fetched.subspan(record::kLengthAt, 4),
                                 ByteView(batch).subspan(record::kLengthAt, 4)));
  EXPECT_TRUE(
      std::ranges::equal(fetched.subspan(record::kMagicAt), ByteView(batch).subspan(record::kMagicAt)));
  EXPECT_TRUE(record::CrcMatches(view));
}

TEST_F(ProduceTest, PipelinedRequestsAreAppendedAndAnsweredInOrder) {
  constexpr int kRequests = 200;
  std::vector<std::string> expected;
  for (int i = 0; i < kRequests; ++i) {
    const int16_t acks = i % 2 == 0 ? 1 : -1;  // The last waits for the disk: after it all may be read.
    expected.push_back(absl::StrCat("value ", i));
    client_.Send(MakeProduce("orders", MakeBatch({expected.back()}), acks), 9);
  }
  for (int i = 0; i < kRequests; ++i) {
    const auto response = client_.Receive<kafka::ProduceResponse>();
    EXPECT_EQ(OnlyPartition(response).base_offset, i);
  }
  EXPECT_EQ(Fetch("orders"), expected);
}

TEST_F(ProduceTest, PartitionsOfOneRequestSucceedAndFailEachForItself) {
  const Bytes batch = MakeBatch({"value"});
  Bytes damaged = batch;
  damaged.back() ^= std::byte{1};
  kafka::ProduceRequest request = MakeProduce("orders", batch);
  auto& partitions = request.topic_data[0].partition_data;
  partitions.resize(3);
  partitions[1].index = 1;
  partitions[1].records = kafka::Records{.bytes = damaged};
  partitions[2].index = 2;
  partitions[2].records = kafka::Records{.bytes = batch};
  auto& unknown = request.topic_data.emplace_back();
  unknown.name = "nowhere";
  unknown.partition_data.emplace_back().records = kafka::Records{.bytes = batch};

  const auto response = client_.Call(request, kProduceByName);
  ASSERT_EQ(response.responses.size(), 2u);
  const auto& answers = response.responses[0].partition_responses;
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(Name(answers[0].error_code), "NONE");
  EXPECT_EQ(Name(answers[1].error_code), "CORRUPT_MESSAGE");
  EXPECT_EQ(answers[1].base_offset, -1);
  EXPECT_EQ(Name(answers[2].error_code), "UNKNOWN_TOPIC_OR_PARTITION");
  EXPECT_EQ(Name(response.responses[1].partition_responses[0].error_code), "UNKNOWN_TOPIC_OR_PARTITION");
  EXPECT_EQ(broker_.log("orders", 0).end().value(), 1);
  EXPECT_EQ(broker_.log("orders", 1).end().value(), 0);
}

TEST_F(ProduceTest, UnknownTopicIdHasItsOwnError) {
  const Bytes batch = MakeBatch({"value"});
  Random random(5);
  kafka::ProduceRequest request = MakeProduce("orders", batch);
  request.topic_data[0].topic_id = Uuid::Generate(random);
  EXPECT_EQ(Name(OnlyPartition(client_.Call(request, 13)).error_code), "UNKNOWN_TOPIC_ID");
}

TEST_F(ProduceTest, Acks0AppendsAndSaysNothing) {
  client_.SendUnanswered(MakeProduce("orders", MakeBatch({"quiet"}), 0), 7);
  // The next answer on the connection is that to the next request.
  const auto response = client_.Call(MakeProduce("orders", MakeBatch({"loud"})), 7);
  EXPECT_EQ(OnlyPartition(response).base_offset, 1);
  EXPECT_THAT(Fetch("orders"), ElementsAre("quiet", "loud"));
}

TEST_F(ProduceTest, Acks0WithAnErrorClosesTheConnection) {
  Bytes damaged = MakeBatch({"value"});
  damaged.back() ^= std::byte{1};
  client_.Send(MakeProduce("orders", damaged, 0), 7);
  EXPECT_TRUE(client_.IsClosedByPeer());
  EXPECT_EQ(broker_.log("orders").end().value(), 0);
}

TEST_F(ProduceTest, AcksMustBeMinusOneZeroOrOne) {
  for (const int16_t acks : {int16_t{2}, int16_t{-2}, int16_t{32767}}) {
    const auto response = client_.Call(MakeProduce("orders", MakeBatch({"value"}), acks), 9);
    EXPECT_EQ(Name(OnlyPartition(response).error_code), "INVALID_REQUIRED_ACKS");
    EXPECT_EQ(OnlyPartition(response).base_offset, -1);
  }
  EXPECT_EQ(broker_.log("orders").end().value(), 0);
}

TEST_F(ProduceTest, RecordsThatAreMissingOrEmptyAreInvalid) {
  kafka::ProduceRequest request = MakeProduce("orders", {});
  EXPECT_NE(OnlyPartition(client_.Call(request, 9)).error_code, 0);
  request.topic_data[0].partition_data[0].records.reset();
  EXPECT_EQ(Name(OnlyPartition(client_.Call(request, 9)).error_code), "INVALID_RECORD");
}

TEST_F(ProduceTest, TransactionsAreRefusedWithAReason) {
  const Bytes batch = MakeBatch({"value"});
  kafka::ProduceRequest request = MakeProduce("orders", batch);
  request.transactional_id = "tx";
  const auto response = client_.Call(request, 9);
  EXPECT_EQ(Name(OnlyPartition(response).error_code), "INVALID_TXN_STATE");
  EXPECT_THAT(OnlyPartition(response).error_message.value_or(""), HasSubstr("transactions"));

  const Bytes transactional = MakeBatch({"value"}, {.producer_id = ProducerId(1),
                                                    .producer_epoch = ProducerEpoch(0),
                                                    .base_sequence = 0,
                                                    .transactional = true});
  EXPECT_EQ(Name(OnlyPartition(client_.Call(MakeProduce("orders", transactional), 9)).error_code),
            "INVALID_TXN_STATE");
  EXPECT_EQ(broker_.log("orders").end().value(), 0);
}

TEST_F(ProduceTest, LogAppendTimeTopicAnswersWithTheBrokersTime) {
  broker_.CreateTopic("stamped", 1, {{"message.timestamp.type", "LogAppendTime"}});
  const int64_t before_ms = Clock::System().NowMs();
  const auto response = client_.Call(MakeProduce("stamped", MakeBatch({"value"})), 9);
  const int64_t stamp_ms = OnlyPartition(response).log_append_time_ms;
  EXPECT_GE(stamp_ms, before_ms);
  const auto fetched = client_.Call(MakeFetch("stamped"), kFetchByName);
  const record::BatchView view(OnlyPartition(fetched).records->bytes);
  EXPECT_EQ(view.timestamp_type(), record::TimestampType::kLogAppendTime);
  EXPECT_EQ(view.max_timestamp(), stamp_ms);
  EXPECT_TRUE(record::CrcMatches(view));
}

TEST_F(ProduceTest, GreatestTimestampThatTheProducerLeftOutIsFilledIn) {
  Bytes batch = MakeBatch({"a", "b"});
  const int64_t greatest = record::BatchView(batch).max_timestamp();
  StoreBigEndian<int64_t>(batch.data() + record::kMaxTimestampAt, -1);
  record::RefreshCrc(batch);
  Produce("orders", batch);
  const auto fetched = client_.Call(MakeFetch("orders"), kFetchByName);
  const record::BatchView view(OnlyPartition(fetched).records->bytes);
  EXPECT_EQ(view.max_timestamp(), greatest);
  EXPECT_TRUE(record::CrcMatches(view));
}

}  // namespace
}  // namespace sluice
