#include "sluice/consumer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "absl/strings/str_cat.h"
#include "proto/base/check.h"
#include "proto/record/batch_builder.h"
#include "sluice/client.h"
#include "sluice/errors.h"
#include "tests/unit/client/fake_cluster.h"

namespace sluice {
namespace {

using client_test::FakeCluster;
using client_test::Fault;
using kafka::ErrorCode;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using namespace std::chrono_literals;

constexpr int16_t kFetchKey = 1;

Bytes BatchOf(const std::vector<std::string>& values, record::Codec codec = record::Codec::kNone,
              int64_t timestamp_ms = 1000, bool control = false) {
  record::BatchBuilder builder({.codec = codec, .control = control});
  for (const std::string& value : values) {
    CHECK_OK(builder.Append(timestamp_ms, std::nullopt, AsBytes(value)));
  }
  return ToBytes(*builder.Build());
}

class ConsumerTest : public ::testing::Test {
 protected:
  explicit ConsumerTest(const FakeCluster::Options& options = {}) : cluster_(options) {
    cluster_.CreateTopic("t", 1);
    client_ = *Client::Connect(
        {.bootstrap = cluster_.bootstrap(), .request_timeout = 3s, .reconnect_backoff = 5ms});
  }
  std::unique_ptr<Consumer> MakeConsumer(const ConsumerOptions& options = {}) {
    return *client_->NewConsumer(options);
  }
  std::unique_ptr<Consumer> MakeConsumerAt(Position start, const ConsumerOptions& options = {}) {
    auto consumer = MakeConsumer(options);
    CHECK_OK(consumer->AssignTopic("t", start));
    return consumer;
  }
  // Polls until there are `count` values or an error.
  std::vector<std::string> Read(Consumer& consumer, size_t count) {
    std::vector<std::string> values;
    while (values.size() < count) {
      const absl::StatusOr<FetchedRecords> records = consumer.Poll(5s);
      if (!records.ok() || records->empty()) {
        values.push_back(records.ok() ? "nothing came" : std::string(records.status().message()));
        break;
      }
      for (const RecordView& record : *records) {
        values.emplace_back(TextOf(*record.value));
      }
    }
    return values;
  }

  FakeCluster cluster_;
  std::unique_ptr<Client> client_;
};

TEST_F(ConsumerTest, ReadsRecordsWithAllTheirParts) {
  record::BatchBuilder builder;
  const std::vector<record::Header> headers = {
      {"h1", AsBytes("v1")}, {"h2", std::nullopt}, {"h3", AsBytes("")}};
  CHECK_OK(builder.Append(5000, AsBytes("key"), std::nullopt, headers));
  CHECK_OK(builder.Append(6000, std::nullopt, AsBytes("")));
  cluster_.AppendRaw("t", 0, ToBytes(*builder.Build()));
  const auto consumer = MakeConsumerAt(Position::Beginning());
  const absl::StatusOr<FetchedRecords> records = consumer->Poll(5s);
  ASSERT_TRUE(records.ok()) << records.status();
  ASSERT_EQ(records->size(), 2u);
  auto it = records->begin();
  EXPECT_EQ(it->topic, "t");
  EXPECT_EQ(it->partition, 0);
  EXPECT_EQ(it->offset, 0);
  EXPECT_EQ(it->timestamp_ms, 5000);
  EXPECT_EQ(TextOf(*it->key), "key");
  EXPECT_FALSE(it->value.has_value());
  std::vector<std::string> seen;
  for (const MessageHeader& header : it->headers) {
    seen.push_back(
        absl::StrCat(ToAbsl(header.key), "=", header.value ? ToAbsl(TextOf(*header.value)) : "null"));
  }
  EXPECT_THAT(seen, ElementsAre("h1=v1", "h2=null", "h3="));
  ++it;
  EXPECT_EQ(it->offset, 1);
  EXPECT_FALSE(it->key.has_value());
  EXPECT_EQ(it->value->size(), 0u);
  ++it;
  EXPECT_EQ(it, records->end());
}

TEST_F(ConsumerTest, StartsWhereItIsTold) {
  cluster_.AppendRaw("t", 0, BatchOf({"0", "1", "2", "3"}, record::Codec::kNone, 1000));
  cluster_.AppendRaw("t", 0, BatchOf({"4", "5"}, record::Codec::kNone, 2000));
  EXPECT_THAT(Read(*MakeConsumerAt(Position::Beginning()), 6), ElementsAre("0", "1", "2", "3", "4", "5"));
  EXPECT_THAT(Read(*MakeConsumerAt(Position::At(3)), 3), ElementsAre("3", "4", "5"));
  EXPECT_THAT(Read(*MakeConsumerAt(Position::Tail(3)), 3), ElementsAre("3", "4", "5"));
  EXPECT_THAT(Read(*MakeConsumerAt(Position::Tail(100)), 6), ElementsAre("0", "1", "2", "3", "4", "5"));
  EXPECT_THAT(Read(*MakeConsumerAt(Position::SinceMs(1500)), 2), ElementsAre("4", "5"));
  const auto end = MakeConsumerAt(Position::End());
  EXPECT_EQ(*end->NextOffset("t", 0), 6);
  const auto later = MakeConsumerAt(Position::SinceMs(9000));
  EXPECT_EQ(*later->NextOffset("t", 0), 6);
}

TEST_F(ConsumerTest, WaitsForRecordsAndThenHasThem) {
  const auto consumer = MakeConsumerAt(Position::End());
  EXPECT_TRUE(consumer->Poll(20ms)->empty());
  std::thread writer([&] {
    EXPECT_TRUE(cluster_.WaitForRequests(kFetchKey, 1));  // It waits at the broker.
    cluster_.AppendRaw("t", 0, BatchOf({"x"}));
  });
  EXPECT_THAT(Read(*consumer, 1), ElementsAre("x"));
  writer.join();
  EXPECT_EQ(*consumer->NextOffset("t", 0), 1);
}

TEST_F(ConsumerTest, KnowsWhenItIsAtTheEnd) {
  cluster_.AppendRaw("t", 0, BatchOf({"0", "1"}));
  const auto consumer = MakeConsumerAt(Position::Beginning());
  EXPECT_FALSE(consumer->AtEnd());
  EXPECT_THAT(Read(*consumer, 2), ElementsAre("0", "1"));
  EXPECT_TRUE(consumer->AtEnd());
  EXPECT_EQ(consumer->LastWatermarks("t", 0)->high, 2);
  EXPECT_EQ(consumer->LastWatermarks("t", 0)->low, 0);
}

TEST_F(ConsumerTest, EmptyTopicIsKnownToBeAtItsEndWithoutTheLongWait) {
  const auto consumer = MakeConsumerAt(Position::Beginning(), {.fetch_wait_max = 60'000ms});
  for (int i = 0; i < 500 && !consumer->AtEnd(); ++i) {
    EXPECT_TRUE(consumer->Poll(10ms)->empty());
  }
  EXPECT_TRUE(consumer->AtEnd());
}

TEST_F(ConsumerTest, OpensEveryCodec) {
  using record::Codec;
  for (const Codec codec : {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    cluster_.AppendRaw("t", 0, BatchOf({"a", std::string(1000, 'b')}, codec));
  }
  const std::vector<std::string> values = Read(*MakeConsumerAt(Position::Beginning()), 10);
  ASSERT_EQ(values.size(), 10u);
  for (size_t i = 0; i < 10; i += 2) {
    EXPECT_EQ(values[i], "a");
    EXPECT_EQ(values[i + 1], std::string(1000, 'b'));
  }
}

TEST_F(ConsumerTest, RecordsOutliveConsumerAndClient) {
  cluster_.AppendRaw("t", 0, BatchOf({"plain"}));
  cluster_.AppendRaw("t", 0, BatchOf({"packed"}, record::Codec::kLz4));
  FetchedRecords kept;
  {
    auto consumer = MakeConsumerAt(Position::Beginning());
    kept = *consumer->Poll(5s);
    consumer.reset();
    client_.reset();
  }
  std::vector<std::string> values;
  for (const RecordView& record : kept) {
    values.emplace_back(TextOf(*record.value));
  }
  EXPECT_THAT(values, ElementsAre("plain", "packed"));
}

TEST_F(ConsumerTest, SkipsControlBatches) {
  cluster_.AppendRaw("t", 0, BatchOf({"a"}));
  cluster_.AppendRaw("t", 0, BatchOf({"marker"}, record::Codec::kNone, 1000, true));
  cluster_.AppendRaw("t", 0, BatchOf({"b"}));
  const auto consumer = MakeConsumerAt(Position::Beginning());
  EXPECT_THAT(Read(*consumer, 2), ElementsAre("a", "b"));
  EXPECT_EQ(*consumer->NextOffset("t", 0), 3);
}

TEST_F(ConsumerTest, SeekDropsWhatWasFetchedAhead) {
  cluster_.AppendRaw("t", 0, BatchOf({"0", "1", "2"}));
  const auto consumer = MakeConsumerAt(Position::Beginning());
  EXPECT_THAT(Read(*consumer, 3), ElementsAre("0", "1", "2"));
  ASSERT_TRUE(consumer->Seek("t", 0, Position::At(1)).ok());
  EXPECT_THAT(Read(*consumer, 2), ElementsAre("1", "2"));
  EXPECT_TRUE(absl::IsNotFound(consumer->Seek("t", 9, Position::At(1))));
}

TEST_F(ConsumerTest, SeekDoesNotWaitForTheFetchThatWaitsAtTheBroker) {
  cluster_.AppendRaw("t", 0, BatchOf({"0"}));
  const auto consumer = MakeConsumerAt(Position::Beginning(), {.fetch_wait_max = 60'000ms});
  EXPECT_THAT(Read(*consumer, 1), ElementsAre("0"));
  ASSERT_TRUE(consumer->Seek("t", 0, Position::Beginning()).ok());
  EXPECT_THAT(Read(*consumer, 1), ElementsAre("0"));
}

TEST_F(ConsumerTest, PauseHoldsBackAndResumeGoesOn) {
  const auto consumer = MakeConsumerAt(Position::Beginning());
  ASSERT_TRUE(consumer->Pause("t", 0).ok());
  cluster_.AppendRaw("t", 0, BatchOf({"0"}));
  EXPECT_TRUE(consumer->Poll(50ms)->empty());
  ASSERT_TRUE(consumer->Resume("t", 0).ok());
  EXPECT_THAT(Read(*consumer, 1), ElementsAre("0"));
}

TEST_F(ConsumerTest, WakeupEndsAPoll) {
  const auto consumer = MakeConsumerAt(Position::End(), {.fetch_wait_max = 5ms});
  std::thread waker([&, seen = cluster_.CountRequests(kFetchKey)] {
    EXPECT_TRUE(cluster_.WaitForRequests(kFetchKey, seen + 3));  // Poll has begun by then.
    consumer->Wakeup();
  });
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(consumer->Poll(30s)->empty());
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
  waker.join();
}

TEST_F(ConsumerTest, MissingTopicsAndPartitionsAreNotFound) {
  const auto consumer = MakeConsumer();
  EXPECT_TRUE(absl::IsNotFound(consumer->AssignTopic("absent", Position::Beginning())));
  const absl::Status status = consumer->Assign({{"t", 5, Position::At(0)}});
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("t-5"));
}

TEST_F(ConsumerTest, OffsetThatIsGoneIsAnErrorOrAResetAsTold) {
  cluster_.AppendRaw("t", 0, BatchOf({"0", "1"}));
  cluster_.AppendRaw("t", 0, BatchOf({"2"}));
  cluster_.Trim("t", 0, 2);
  const auto strict = MakeConsumerAt(Position::At(0));
  const absl::Status status = strict->Poll(5s).status();
  EXPECT_TRUE(absl::IsOutOfRange(status)) << status;
  EXPECT_EQ(KafkaErrorCode(status), 1);
  EXPECT_THAT(std::string(status.message()),
              StartsWith("fetch offset 0 of partition t-0: OFFSET_OUT_OF_RANGE"));
  EXPECT_THAT(std::string(status.message()), EndsWith("holds; Seek to where to go on, or set offset_reset to "
                                                      "kEarliest or kLatest"));
  EXPECT_TRUE(strict->Poll(20ms)->empty());
  ASSERT_TRUE(strict->Seek("t", 0, Position::Beginning()).ok());
  EXPECT_THAT(Read(*strict, 1), ElementsAre("2"));
  EXPECT_THAT(Read(*MakeConsumerAt(Position::At(0), {.offset_reset = OffsetReset::kEarliest}), 1),
              ElementsAre("2"));
  const auto latest = MakeConsumerAt(Position::At(0), {.offset_reset = OffsetReset::kLatest});
  EXPECT_TRUE(latest->Poll(100ms)->empty());
  cluster_.AppendRaw("t", 0, BatchOf({"3"}));
  EXPECT_THAT(Read(*latest, 1), ElementsAre("3"));
}

TEST_F(ConsumerTest, CorruptBatchIsDataLossAndTheRecordsBeforeItArrive) {
  cluster_.AppendRaw("t", 0, BatchOf({"good"}));
  Bytes corrupt = BatchOf({"evil"});
  corrupt.back() ^= std::byte{1};
  cluster_.AppendRaw("t", 0, corrupt);
  cluster_.AppendRaw("t", 0, BatchOf({"after"}));
  const auto consumer = MakeConsumerAt(Position::Beginning());
  EXPECT_THAT(Read(*consumer, 1), ElementsAre("good"));
  const absl::Status status = consumer->Poll(5s).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("t-0"));
  EXPECT_EQ(*consumer->NextOffset("t", 0), 1);
  ASSERT_TRUE(consumer->Seek("t", 0, Position::At(2)).ok());
  EXPECT_THAT(Read(*consumer, 1), ElementsAre("after"));
}

TEST_F(ConsumerTest, DecompressionBombIsRefused) {
  cluster_.AppendRaw("t", 0, BatchOf({std::string(1 << 20, 'x')}, record::Codec::kZstd));
  const auto consumer = MakeConsumerAt(Position::Beginning(), {.decompressed_bytes_max = 1000});
  EXPECT_FALSE(consumer->Poll(5s).ok());
}

TEST_F(ConsumerTest, DroppedConnectionIsMadeAgainUnseen) {
  cluster_.AppendRaw("t", 0, BatchOf({"0"}));
  cluster_.SetHook([left = std::make_shared<std::atomic<int>>(3)](int32_t, int16_t key) {
    return key == kFetchKey && left->fetch_sub(1) > 0 ? Fault{.kind = Fault::Kind::kDropBefore} : Fault{};
  });
  EXPECT_THAT(Read(*MakeConsumerAt(Position::Beginning()), 1), ElementsAre("0"));
}

TEST_F(ConsumerTest, BrokerThatIsAwayShowsAsLastError) {
  const auto consumer = MakeConsumerAt(Position::Beginning());
  EXPECT_TRUE(consumer->Poll(50ms)->empty());
  EXPECT_TRUE(consumer->LastError().ok());
  cluster_.StopNode(0);
  for (int i = 0; i < 200 && consumer->LastError().ok(); ++i) {
    EXPECT_TRUE(consumer->Poll(10ms)->empty());
  }
  EXPECT_THAT(std::string(consumer->LastError().message()), HasSubstr(cluster_.Address(0)));
  cluster_.StartNode(0);
  cluster_.AppendRaw("t", 0, BatchOf({"back"}));
  EXPECT_THAT(Read(*consumer, 1), ElementsAre("back"));
}

TEST_F(ConsumerTest, DeletedTopicIsNotFound) {
  const auto consumer = MakeConsumerAt(Position::Beginning());
  EXPECT_TRUE(consumer->Poll(20ms)->empty());
  cluster_.DeleteTopic("t");
  absl::Status status;
  for (int i = 0; i < 500 && status.ok(); ++i) {
    status = consumer->Poll(10ms).status();
  }
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
}

TEST_F(ConsumerTest, LargeBacklogArrivesInOrderAcrossManyAnswers) {
  const std::string filler(1000, 'f');
  for (int i = 0; i < 3000; ++i) {
    cluster_.AppendRaw("t", 0, BatchOf({absl::StrCat(i, filler)}));
  }
  const auto consumer = MakeConsumerAt(Position::Beginning());
  const std::vector<std::string> values = Read(*consumer, 3000);
  ASSERT_EQ(values.size(), 3000u);
  for (int i = 0; i < 3000; ++i) {
    ASSERT_EQ(values[static_cast<size_t>(i)], absl::StrCat(i, filler));
  }
  EXPECT_GE(cluster_.CountRequests(kFetchKey), 3);
}

class TwoNodesTest : public ConsumerTest {
 protected:
  TwoNodesTest() : ConsumerTest({.nodes = 2}) { cluster_.CreateTopic("wide", 4); }
};

TEST_F(TwoNodesTest, ReadsPartitionsOfSeveralBrokers) {
  for (int i = 0; i < 4; ++i) {
    cluster_.AppendRaw("wide", i, BatchOf({absl::StrCat("p", i)}));
  }
  const auto consumer = MakeConsumer();
  ASSERT_TRUE(consumer->AssignTopic("wide", Position::Beginning()).ok());
  EXPECT_EQ(consumer->assignment().size(), 4u);
  EXPECT_THAT(Read(*consumer, 4), ::testing::UnorderedElementsAre("p0", "p1", "p2", "p3"));
}

TEST_F(TwoNodesTest, FollowsTheLeader) {
  cluster_.AppendRaw("t", 0, BatchOf({"0"}));
  const auto consumer = MakeConsumerAt(Position::Beginning());
  EXPECT_THAT(Read(*consumer, 1), ElementsAre("0"));
  cluster_.MoveLeader("t", 0, 1);
  cluster_.AppendRaw("t", 0, BatchOf({"1"}));
  EXPECT_THAT(Read(*consumer, 1), ElementsAre("1"));
}

class NoTopicIdsConsumerTest : public ConsumerTest {
 protected:
  NoTopicIdsConsumerTest() : ConsumerTest({.topic_ids = false}) {}
};

TEST_F(NoTopicIdsConsumerTest, NamesTopicsWhereTheBrokerHasNoIds) {
  cluster_.AppendRaw("t", 0, BatchOf({"0"}));
  EXPECT_THAT(Read(*MakeConsumerAt(Position::Beginning()), 1), ElementsAre("0"));
  EXPECT_EQ(cluster_.VersionsSeen(kFetchKey).front(), 12);
}

}  // namespace
}  // namespace sluice
