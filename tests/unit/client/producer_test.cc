#include "sluice/producer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "proto/record/batch_view.h"
#include "sluice/client.h"
#include "tests/unit/client/fake_cluster.h"

namespace sluice {
namespace {

using client_test::FakeCluster;
using client_test::Fault;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

constexpr int16_t kProduceKey = 0;
constexpr int16_t kMetadataKey = 3;

class ProducerTest : public ::testing::Test {
 protected:
  explicit ProducerTest(const FakeCluster::Options& options = {}) : cluster_(options) {
    cluster_.CreateTopic("t", 1);
    cluster_.CreateTopic("wide", 4);
    client_ = *Client::Connect({.bootstrap = cluster_.bootstrap()});
  }
  std::unique_ptr<Producer> MakeProducer(const ProducerOptions& options = {}) {
    return *client_->NewProducer(options);
  }

  FakeCluster cluster_;
  std::unique_ptr<Client> client_;
};

TEST_F(ProducerTest, DeliversAndTellsWhere) {
  const auto producer = MakeProducer();
  auto first = producer->SendWithFuture({.topic = "t", .value = BytesOf("a"), .timestamp_ms = 77});
  auto second = producer->SendWithFuture({.topic = "t", .value = BytesOf("b")});
  const absl::StatusOr<Delivery> delivery = first.get();
  ASSERT_TRUE(delivery.ok()) << delivery.status();
  EXPECT_EQ(delivery->partition, 0);
  EXPECT_EQ(delivery->offset, 0);
  EXPECT_EQ(delivery->timestamp_ms, 77);
  EXPECT_EQ(second.get()->offset, 1);
  EXPECT_THAT(cluster_.Values("t", 0), ElementsAre("a", "b"));
}

TEST_F(ProducerTest, RecordsThatComeTogetherShareARequest) {
  const auto producer = MakeProducer({.linger = 200ms});
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(producer->Send({.topic = "t", .value = BytesOf("x")}).ok());
  }
  EXPECT_TRUE(producer->Flush(10s).ok());
  EXPECT_EQ(cluster_.Values("t", 0).size(), 1000u);
  EXPECT_LE(cluster_.CountRequests(kProduceKey), 2);
  EXPECT_EQ(producer->stats().records_acked, 1000u);
  EXPECT_EQ(producer->stats().buffered_bytes, 0u);
}

TEST_F(ProducerTest, BatchThatIsFullDoesNotLinger) {
  const auto producer = MakeProducer({.batch_bytes = 1000, .linger = 10min});
  const std::string value(400, 'x');
  std::vector<std::future<absl::StatusOr<Delivery>>> deliveries;
  for (int i = 0; i < 3; ++i) {
    deliveries.push_back(producer->SendWithFuture({.topic = "t", .value = BytesOf(value)}));
  }
  EXPECT_EQ(deliveries[0].wait_for(5s), std::future_status::ready);
  EXPECT_TRUE(deliveries[0].get().ok());
  EXPECT_EQ(deliveries[2].wait_for(0s), std::future_status::timeout);
}

TEST_F(ProducerTest, FlushDoesNotLinger) {
  const auto producer = MakeProducer({.linger = 10min});
  ASSERT_TRUE(producer->Send({.topic = "t", .value = BytesOf("x")}).ok());
  EXPECT_TRUE(producer->Flush(10s).ok());
  EXPECT_THAT(cluster_.Values("t", 0), ElementsAre("x"));
}

TEST_F(ProducerTest, AllCodecsArrive) {
  for (const Compression codec : {Compression::kNone, Compression::kGzip, Compression::kSnappy,
                                  Compression::kLz4, Compression::kZstd}) {
    const std::string topic = absl::StrCat("codec", static_cast<int>(codec));
    cluster_.CreateTopic(topic, 1);
    const auto producer = MakeProducer({.linger = 50ms, .compression = codec});
    const std::string value(500, 'v');
    for (int i = 0; i < 10; ++i) {
      ASSERT_TRUE(producer->Send({.topic = topic, .value = BytesOf(value)}).ok());
    }
    ASSERT_TRUE(producer->Flush(10s).ok());
    EXPECT_THAT(cluster_.Values(topic, 0), ::testing::SizeIs(10));
    EXPECT_THAT(cluster_.Values(topic, 0), ::testing::Each(value));
    const Bytes batch = cluster_.Batches(topic, 0).front();
    EXPECT_EQ(static_cast<int>(record::BatchView(batch).codec()), static_cast<int>(codec));
  }
}

TEST_F(ProducerTest, KeysGoWhereJavaSendsThem) {
  const auto producer = MakeProducer();
  const auto delivery = producer->SendWithFuture({.topic = "wide", .key = BytesOf("foobar")}).get();
  ASSERT_TRUE(delivery.ok());
  EXPECT_EQ(delivery->partition, (-790332482 & 0x7fffffff) % 4);
}

TEST_F(ProducerTest, RecordsWithoutKeysReachAllPartitionsInWholeBatches) {
  const auto producer = MakeProducer({.linger = 0ms});
  std::set<int32_t> seen;
  for (int i = 0; i < 200 && seen.size() < 4; ++i) {
    seen.insert(producer->SendWithFuture({.topic = "wide", .value = BytesOf("x")}).get()->partition);
  }
  EXPECT_EQ(seen.size(), 4u);
}

TEST_F(ProducerTest, NamedPartitionIsObeyedAndChecked) {
  const auto producer = MakeProducer();
  EXPECT_EQ(producer->SendWithFuture({.topic = "wide", .partition = 3}).get()->partition, 3);
  const absl::Status status = producer->Send({.topic = "wide", .partition = 4});
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("0 to 3"));
}

TEST_F(ProducerTest, MissingTopicIsNotFoundWithoutWaitingForMaxBlock) {
  const auto producer = MakeProducer();
  const auto start = std::chrono::steady_clock::now();
  const absl::Status status = producer->Send({.topic = "absent"});
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"absent\""));
}

TEST_F(ProducerTest, TopicCreatedAMomentLaterIsFound) {
  const auto producer = MakeProducer();
  std::thread creator([&, seen = cluster_.CountRequests(kMetadataKey)] {
    // The second look-up comes after the answer to the first, which has no such topic.
    EXPECT_TRUE(cluster_.WaitForRequests(kMetadataKey, seen + 2));
    cluster_.CreateTopic("late", 1);
  });
  EXPECT_TRUE(producer->SendWithFuture({.topic = "late"}).get().ok());
  creator.join();
}

TEST(ProducerCreatesTopicsTest, NoTopicIsMadeForAProducerThatMayNotBecauseAnotherMay) {
  FakeCluster cluster({.auto_create = true});
  const auto client = *Client::Connect({.bootstrap = cluster.bootstrap()});
  const auto creating = *client->NewProducer({.create_missing_topics = true});
  const auto strict = *client->NewProducer();
  EXPECT_TRUE(creating->SendWithFuture({.topic = "wanted"}).get().ok());
  EXPECT_TRUE(absl::IsNotFound(strict->Send({.topic = "mistyped"})));
  EXPECT_TRUE(creating->SendWithFuture({.topic = "wanted too"}).get().ok());
  EXPECT_TRUE(absl::IsNotFound(client->admin().DescribeTopic("mistyped").status()));
}

TEST(ProducerCreatesTopicsTest, MissingTopicIsNotFoundWhereTheBrokerMakesNone) {
  FakeCluster cluster;
  const auto client = *Client::Connect({.bootstrap = cluster.bootstrap()});
  const auto producer = *client->NewProducer({.create_missing_topics = true, .max_block = 200ms});
  const absl::Status status = producer->Send({.topic = "absent"});
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("max_block"));
}

TEST_F(ProducerTest, RecordThatIsTooLargeIsRefusedAtOnce) {
  const auto producer = MakeProducer();
  const std::string value(2 << 20, 'x');
  const absl::Status status = producer->Send({.topic = "t", .value = BytesOf(value)});
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("request_bytes_max"));
}

TEST_F(ProducerTest, FullBufferHoldsSendersBackAndTrySendSaysSo) {
  const auto open = std::make_shared<absl::Notification>();
  cluster_.SetHook([open](int32_t, int16_t key) {
    if (key == kProduceKey) {
      open->WaitForNotificationWithTimeout(absl::Seconds(30));
    }
    return Fault{};
  });
  const auto producer =
      MakeProducer({.batch_bytes = 1000, .linger = 0ms, .buffer_bytes = 4000, .max_block = 50ms});
  const std::string value(500, 'x');
  const Message message{.topic = "t", .value = BytesOf(value)};
  absl::Status status;
  int accepted = 0;
  while ((status = producer->Send(message)).ok()) {
    ++accepted;
  }
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_TRUE(absl::IsResourceExhausted(producer->TrySend(message)));
  EXPECT_GE(accepted, 5);
  EXPECT_TRUE(absl::IsDeadlineExceeded(producer->Flush(20ms)));
  open->Notify();
  EXPECT_TRUE(producer->Flush(10s).ok());
  EXPECT_TRUE(producer->Send(message).ok());
}

TEST_F(ProducerTest, ManyThreadsSendAtOnce) {
  const auto producer = MakeProducer({.batch_bytes = 2000, .linger = 1ms});
  std::atomic<int> acked{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        const std::string value = absl::StrCat(t, ":", i);
        ASSERT_TRUE(
            producer
                ->Send({.topic = "wide", .partition = t, .value = BytesOf(value)},
                       [&](const absl::StatusOr<Delivery>& delivery) { acked += delivery.ok() ? 1 : 0; })
                .ok());
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_TRUE(producer->Flush(20s).ok());
  EXPECT_EQ(acked, 8000);
  for (int t = 0; t < 4; ++t) {
    const std::vector<std::string> values = cluster_.Values("wide", t);
    ASSERT_EQ(values.size(), 2000u);
    for (int i = 0; i < 2000; ++i) {
      ASSERT_EQ(values[static_cast<size_t>(i)], absl::StrCat(t, ":", i));
    }
  }
}

TEST_F(ProducerTest, AcksNoneAsksForNoAnswer) {
  const auto producer = MakeProducer({.acks = Acks::kNone, .idempotent = false});
  const auto delivery = producer->SendWithFuture({.topic = "t", .value = BytesOf("x")}).get();
  ASSERT_TRUE(delivery.ok());
  EXPECT_EQ(delivery->offset, -1);
  EXPECT_TRUE(producer->Close(5s).ok());
}

TEST_F(ProducerTest, SendAfterCloseIsCancelled) {
  const auto producer = MakeProducer();
  ASSERT_TRUE(producer->Send({.topic = "t", .value = BytesOf("x")}).ok());
  EXPECT_TRUE(producer->Close(5s).ok());
  EXPECT_THAT(cluster_.Values("t", 0), ElementsAre("x"));
  EXPECT_TRUE(absl::IsCancelled(producer->Send({.topic = "t"})));
  EXPECT_TRUE(producer->Close(5s).ok());
}

TEST_F(ProducerTest, CallbackMaySendMore) {
  const auto producer = MakeProducer({.linger = 0ms});
  std::promise<absl::Status> chained;
  ASSERT_TRUE(producer
                  ->Send({.topic = "t", .value = BytesOf("1")},
                         [&](const absl::StatusOr<Delivery>&) {
                           chained.set_value(producer->Send({.topic = "t", .value = BytesOf("2")}));
                         })
                  .ok());
  EXPECT_TRUE(chained.get_future().get().ok());
  EXPECT_TRUE(producer->Flush(10s).ok());
  EXPECT_THAT(cluster_.Values("t", 0), ElementsAre("1", "2"));
}

TEST_F(ProducerTest, ProducerOutlivesItsClient) {
  const auto producer = MakeProducer();
  client_.reset();
  EXPECT_TRUE(producer->SendWithFuture({.topic = "t"}).get().ok());
}

class OldBrokerTest : public ProducerTest {
 protected:
  OldBrokerTest() : ProducerTest({.topic_ids = false, .caps = {{0, 8}, {3, 5}, {22, 1}}}) {}
};

TEST_F(OldBrokerTest, SpeaksTheVersionsThatTheBrokerKnows) {
  const auto producer = MakeProducer();
  EXPECT_TRUE(producer->SendWithFuture({.topic = "t"}).get().ok());
  EXPECT_THAT(cluster_.VersionsSeen(0), ElementsAre(8));
  EXPECT_EQ(cluster_.VersionsSeen(22).back(), 1);
}

class NoTopicIdTest : public ProducerTest {
 protected:
  NoTopicIdTest() : ProducerTest({.topic_ids = false}) {}
};

TEST_F(NoTopicIdTest, NamesTopicsWhereTheBrokerHasNoIds) {
  const auto producer = MakeProducer();
  EXPECT_TRUE(producer->SendWithFuture({.topic = "t"}).get().ok());
  EXPECT_THAT(cluster_.VersionsSeen(0), ElementsAre(12));
}

}  // namespace
}  // namespace sluice
