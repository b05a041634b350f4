// What the producer promises when things break: no loss without notice, no duplicates, the order kept, and an
// end to every wait.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "absl/strings/str_cat.h"
#include "proto/record/batch_view.h"
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
using namespace std::chrono_literals;

constexpr int16_t kProduceKey = 0;
constexpr int16_t kInitProducerIdKey = 22;

class ProducerFaultsTest : public ::testing::Test {
 protected:
  ProducerFaultsTest() : cluster_({.nodes = 2}) {
    cluster_.CreateTopic("t", 1);
    client_ = *Client::Connect(
        {.bootstrap = cluster_.bootstrap(), .request_timeout = 5s, .reconnect_backoff = 5ms});
  }
  std::unique_ptr<Producer> MakeProducer(ProducerOptions options = {}) {
    options.retry_backoff = 5ms;
    return *client_->NewProducer(options);
  }
  // The next `count` Produce requests meet this fault, after `skip` that do not.
  void FailProduces(Fault fault, int count, int skip = 0) {
    cluster_.SetHook([fault, left = std::make_shared<std::atomic<int>>(count),
                      skipped = std::make_shared<std::atomic<int>>(skip)](int32_t, int16_t key) {
      if (key != kProduceKey || skipped->fetch_sub(1) > 0) {
        return Fault{};
      }
      return left->fetch_sub(1) > 0 ? fault : Fault{};
    });
  }
  // Small batches, so that many requests are under way.
  void SendNumbered(Producer& producer, int count) {
    for (int i = 0; i < count; ++i) {
      const std::string value = absl::StrCat("record ", i);
      ASSERT_TRUE(producer.Send({.topic = "t", .value = BytesOf(value)}).ok());
    }
  }
  void ExpectNumbered(int count) {
    const std::vector<std::string> values = cluster_.Values("t", 0);
    ASSERT_EQ(values.size(), static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) {
      ASSERT_EQ(values[static_cast<size_t>(i)], absl::StrCat("record ", i));
    }
  }

  FakeCluster cluster_;
  std::unique_ptr<Client> client_;
};

TEST_F(ProducerFaultsTest, RetryAfterALostAnswerLeavesNoDuplicate) {
  const auto producer = MakeProducer();
  FailProduces({.kind = Fault::Kind::kDropAfter}, 1);
  const auto delivery = producer->SendWithFuture({.topic = "t", .value = BytesOf("once")}).get();
  ASSERT_TRUE(delivery.ok()) << delivery.status();
  EXPECT_EQ(delivery->offset, 0);
  EXPECT_THAT(cluster_.Values("t", 0), ElementsAre("once"));
  EXPECT_GE(producer->stats().batches_retried, 1u);
}

TEST_F(ProducerFaultsTest, DroppedConnectionsNeitherReorderNorDuplicate) {
  const auto producer = MakeProducer({.batch_bytes = 200, .linger = 0ms});
  cluster_.SetHook([requests = std::make_shared<std::atomic<int>>(0)](int32_t, int16_t key) {
    if (key != kProduceKey) {
      return Fault{};
    }
    const int n = ++*requests;
    return n % 7 == 0    ? Fault{.kind = Fault::Kind::kDropAfter}
           : n % 11 == 0 ? Fault{.kind = Fault::Kind::kDropBefore}
                         : Fault{};
  });
  SendNumbered(*producer, 500);
  EXPECT_TRUE(producer->Flush(30s).ok());
  ExpectNumbered(500);
}

TEST_F(ProducerFaultsTest, RetriableErrorsKeepTheOrderOfWhatIsInFlight) {
  const auto producer = MakeProducer({.batch_bytes = 200, .linger = 0ms});
  cluster_.SetHook([requests = std::make_shared<std::atomic<int>>(0)](int32_t, int16_t key) {
    return key == kProduceKey && ++*requests % 7 == 0  // Out of step with the five in flight.
               ? Fault{.kind = Fault::Kind::kError, .code = ErrorCode::kNotEnoughReplicas}
               : Fault{};
  });
  SendNumbered(*producer, 500);
  EXPECT_TRUE(producer->Flush(30s).ok());
  ExpectNumbered(500);
}

TEST_F(ProducerFaultsTest, FollowsTheLeader) {
  const auto producer = MakeProducer({.batch_bytes = 200, .linger = 0ms});
  SendNumbered(*producer, 100);
  cluster_.MoveLeader("t", 0, 1);
  for (int i = 100; i < 200; ++i) {
    const std::string value = absl::StrCat("record ", i);
    ASSERT_TRUE(producer->Send({.topic = "t", .value = BytesOf(value)}).ok());
  }
  EXPECT_TRUE(producer->Flush(30s).ok());
  ExpectNumbered(200);
}

TEST_F(ProducerFaultsTest, FinalErrorReachesItsRecordAndTheRestGoesOnUnderANewEpoch) {
  const auto producer = MakeProducer({.linger = 0ms});
  ASSERT_TRUE(producer->SendWithFuture({.topic = "t", .value = BytesOf("a")}).get().ok());
  FailProduces({.kind = Fault::Kind::kError, .code = ErrorCode::kMessageTooLarge}, 1);
  const auto failed = producer->SendWithFuture({.topic = "t", .value = BytesOf("b")}).get();
  EXPECT_EQ(KafkaErrorCode(failed.status()), 10);
  EXPECT_THAT(std::string(failed.status().message()), HasSubstr("partition t-0"));
  EXPECT_THAT(
      std::string(failed.status().message()),
      EndsWith("max.message.bytes allows; raise the topic's max.message.bytes, or lower the producer's "
               "batch_bytes"));
  ASSERT_TRUE(producer->SendWithFuture({.topic = "t", .value = BytesOf("c")}).get().ok());
  EXPECT_THAT(cluster_.Values("t", 0), ElementsAre("a", "c"));
  const std::vector<Bytes> batches = cluster_.Batches("t", 0);
  EXPECT_EQ(record::BatchView(batches.back()).producer_epoch().value(), 1);
  EXPECT_EQ(record::BatchView(batches.back()).base_sequence(), 0);
}

TEST_F(ProducerFaultsTest, FailureInTheMiddleOfThePipelineLosesOnlyItself) {
  const auto producer = MakeProducer({.batch_bytes = 100, .linger = 0ms});
  FailProduces({.kind = Fault::Kind::kError, .code = ErrorCode::kInvalidRecord}, 1, 3);
  std::atomic<int> failed{0};
  const std::string value(40, 'x');
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(producer
                    ->Send({.topic = "t", .value = BytesOf(value)},
                           [&](const absl::StatusOr<Delivery>& delivery) { failed += delivery.ok() ? 0 : 1; })
                    .ok());
  }
  EXPECT_EQ(KafkaErrorCode(producer->Flush(30s)), 87);
  EXPECT_GT(failed, 0);
  EXPECT_EQ(cluster_.Values("t", 0).size(), static_cast<size_t>(100 - failed));
  EXPECT_EQ(producer->stats().records_failed, static_cast<uint64_t>(failed));
  EXPECT_TRUE(producer->Flush(1s).ok());
}

TEST_F(ProducerFaultsTest, LostProducerStateIsStartedAnewUnderAHigherEpoch) {
  const auto producer = MakeProducer({.linger = 0ms});
  ASSERT_TRUE(producer->SendWithFuture({.topic = "t", .value = BytesOf("a")}).get().ok());
  FailProduces({.kind = Fault::Kind::kError, .code = ErrorCode::kUnknownProducerId}, 1);
  ASSERT_TRUE(producer->SendWithFuture({.topic = "t", .value = BytesOf("b")}).get().ok());
  EXPECT_THAT(cluster_.Values("t", 0), ElementsAre("a", "b"));
}

TEST_F(ProducerFaultsTest, ProducerIdIsAskedForAgainUntilItComes) {
  cluster_.SetHook([left = std::make_shared<std::atomic<int>>(2)](int32_t, int16_t key) {
    return key == kInitProducerIdKey && left->fetch_sub(1) > 0 ? Fault{.kind = Fault::Kind::kDropBefore}
                                                               : Fault{};
  });
  const auto producer = MakeProducer();
  EXPECT_TRUE(producer->SendWithFuture({.topic = "t"}).get().ok());
}

TEST_F(ProducerFaultsTest, UnansweredRecordsFailAfterTheDeliveryTimeout) {
  const auto producer = MakeProducer({.delivery_timeout = 200ms});
  ASSERT_TRUE(producer->SendWithFuture({.topic = "t", .value = BytesOf("a")}).get().ok());
  FailProduces({.kind = Fault::Kind::kSilence}, 1000);
  const auto start = std::chrono::steady_clock::now();
  const auto delivery = producer->SendWithFuture({.topic = "t"}).get();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 3s);
  EXPECT_TRUE(absl::IsDeadlineExceeded(delivery.status())) << delivery.status();
  EXPECT_THAT(std::string(delivery.status().message()), HasSubstr("delivery_timeout"));
}

TEST_F(ProducerFaultsTest, DeadBrokerDoesNotHoldTheDestructor) {
  auto producer = MakeProducer({.close_timeout = 200ms});
  ASSERT_TRUE(producer->SendWithFuture({.topic = "t"}).get().ok());
  cluster_.StopNode(0);
  cluster_.StopNode(1);
  std::promise<absl::Status> told;
  ASSERT_TRUE(producer
                  ->Send({.topic = "t"},
                         [&](const absl::StatusOr<Delivery>& delivery) { told.set_value(delivery.status()); })
                  .ok());
  const auto start = std::chrono::steady_clock::now();
  producer.reset();
  client_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 2s);
  const absl::Status status = told.get_future().get();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
}

TEST_F(ProducerFaultsTest, FlushThatRunsOutOfTimeNamesTheProblem) {
  auto producer = MakeProducer({.close_timeout = 10ms});
  ASSERT_TRUE(producer->SendWithFuture({.topic = "t"}).get().ok());
  cluster_.StopNode(0);
  ASSERT_TRUE(producer->Send({.topic = "t"}).ok());
  const absl::Status status = producer->Flush(300ms);
  EXPECT_TRUE(absl::IsDeadlineExceeded(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr(cluster_.Address(0)));
}

TEST_F(ProducerFaultsTest, RecordsOutlastABrokerThatRestarts) {
  const auto producer = MakeProducer({.batch_bytes = 200, .linger = 0ms});
  SendNumbered(*producer, 50);
  ASSERT_TRUE(producer->Flush(10s).ok());
  cluster_.StopNode(0);
  for (int i = 50; i < 100; ++i) {
    const std::string value = absl::StrCat("record ", i);
    ASSERT_TRUE(producer->Send({.topic = "t", .value = BytesOf(value)}).ok());
  }
  cluster_.StartNode(0);
  EXPECT_TRUE(producer->Flush(20s).ok());
  ExpectNumbered(100);
}

}  // namespace
}  // namespace sluice
