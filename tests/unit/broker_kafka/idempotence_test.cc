// Idempotent producers (KIP-98, KIP-360), as a client on the wire sees them: each rule a test.
#include <gmock/gmock.h>

#include <filesystem>
#include <limits>

#include "proto/kafka/gen/init_producer_id.h"
#include "tests/unit/broker_kafka/kafka_fixture.h"

namespace sluice {
namespace {

using testing::ElementsAre;

constexpr int32_t kLastSequence = std::numeric_limits<int32_t>::max();

kafka::InitProducerIdResponse InitProducerId(RawClient& client, int16_t version = 5) {
  return client.Call(kafka::InitProducerIdRequest{}, version);
}

// One producer, whose batches hold as many records as it says.
class IdempotenceTest : public KafkaTest {
 protected:
  explicit IdempotenceTest(TestBroker::Options options = {}) : KafkaTest(std::move(options)) {
    broker_.CreateTopic("orders", 2);
    const auto response = InitProducerId(client_);
    EXPECT_EQ(Name(response.error_code), "NONE");
    id_ = ProducerId(response.producer_id);
    epoch_ = ProducerEpoch(response.producer_epoch);
  }

  auto SendTo(int32_t partition, int32_t sequence, int records) {
    const Bytes batch = MakeBatch(std::vector<std::string>(static_cast<size_t>(records), "value"),
                                  {.producer_id = id_, .producer_epoch = epoch_, .base_sequence = sequence});
    RawClient client = broker_.Connect();
    return OnlyPartition(client.Call(MakeProduce("orders", batch, -1, partition), kProduceByName));
  }
  auto Send(int32_t sequence, int records = 1) { return SendTo(0, sequence, records); }

  // The answer in a word: the base offset, or the name of the error.
  std::string Outcome(int32_t sequence, int records = 1) {
    const auto answer = Send(sequence, records);
    return answer.error_code == 0 ? absl::StrCat(answer.base_offset) : Name(answer.error_code);
  }
  int64_t end(int32_t partition = 0) { return broker_.log("orders", partition).end().value(); }
  void RemoveIndex() { std::filesystem::remove_all(broker_.directory() + "/logs/index"); }

  ProducerId id_;
  ProducerEpoch epoch_;
};

TEST_F(IdempotenceTest, EachOfTheLastFiveBatchesIsKnownAgainAndKeepsItsOffset) {
  for (int i = 0; i < 7; ++i) {
    EXPECT_EQ(Outcome(2 * i, 2), absl::StrCat(2 * i));
  }
  for (int i = 2; i < 7; ++i) {
    EXPECT_EQ(Outcome(2 * i, 2), absl::StrCat(2 * i));
  }
  EXPECT_EQ(end(), 14);
}

// And not DUPLICATE_SEQUENCE_NUMBER: whether it was ever written is not known any more.
TEST_F(IdempotenceTest, TheSixthLastBatchIsOutOfOrder) {
  for (int i = 0; i < 6; ++i) {
    Send(i);
  }
  EXPECT_EQ(Outcome(0), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  EXPECT_EQ(Outcome(1), "1");
}

TEST_F(IdempotenceTest, EachPartitionAndEachProducerHasAWindowOfItsOwn) {
  Send(0, 3);
  EXPECT_EQ(SendTo(1, 0, 1).base_offset, 0);
  EXPECT_EQ(SendTo(1, 1, 1).base_offset, 1);
  id_ = ProducerId(InitProducerId(client_).producer_id);
  EXPECT_EQ(Outcome(0), "3");
  EXPECT_EQ(Outcome(0), "3");
}

TEST_F(IdempotenceTest, OnlyFirstAndLastSequenceTogetherMakeARetry) {
  Send(0, 3);
  EXPECT_EQ(Outcome(0, 2), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  EXPECT_EQ(Outcome(1, 2), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  EXPECT_EQ(Outcome(0, 4), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  EXPECT_EQ(Outcome(0, 3), "0");
  EXPECT_EQ(end(), 3);
}

TEST_F(IdempotenceTest, ARetryIsOfTheSameEpoch) {
  Send(0);
  epoch_ = ProducerEpoch(1);
  EXPECT_EQ(Outcome(0), "1");
}

TEST_F(IdempotenceTest, AGapIsOutOfOrderAndChangesNothing) {
  Send(0);
  EXPECT_EQ(Outcome(2), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  EXPECT_EQ(end(), 1);
  EXPECT_EQ(Outcome(1), "1");
}

TEST_F(IdempotenceTest, ALowerEpochIsInvalid) {
  epoch_ = ProducerEpoch(1);
  Send(0);
  epoch_ = ProducerEpoch(0);
  EXPECT_EQ(Outcome(1), "INVALID_PRODUCER_EPOCH");
  EXPECT_EQ(Outcome(0), "INVALID_PRODUCER_EPOCH");
  EXPECT_EQ(end(), 1);
}

TEST_F(IdempotenceTest, ANewEpochBeginsAtSequenceZero) {
  Send(0);
  epoch_ = ProducerEpoch(1);
  EXPECT_EQ(Outcome(1), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  EXPECT_EQ(Outcome(0), "1");
  EXPECT_EQ(Outcome(1), "2");
}

TEST_F(IdempotenceTest, AnUnknownProducerBeginsAtAnySequenceAndGoesOnFromThere) {
  EXPECT_EQ(Outcome(4711, 2), "0");
  EXPECT_EQ(Outcome(4712), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  EXPECT_EQ(Outcome(4713), "2");
}

TEST_F(IdempotenceTest, SequencesGoOnAtZeroAfterTheLargest) {
  EXPECT_EQ(Outcome(kLastSequence - 1, 2), "0");
  EXPECT_EQ(Outcome(1), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  EXPECT_EQ(Outcome(0), "2");
  EXPECT_EQ(Outcome(kLastSequence - 1, 2), "0") << "a retry from before the wrap";
}

TEST_F(IdempotenceTest, SequencesWrapInsideABatchToo) {
  EXPECT_EQ(Outcome(kLastSequence, 3), "0");  // The largest, 0, 1.
  EXPECT_EQ(Outcome(kLastSequence, 3), "0");
  EXPECT_EQ(Outcome(2), "3");
}

TEST_F(IdempotenceTest, TheStateSurvivesAStop) {
  epoch_ = ProducerEpoch(1);
  Send(0, 2);
  broker_.Restart();
  EXPECT_EQ(Outcome(0, 2), "0");
  EXPECT_EQ(Outcome(3), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  EXPECT_EQ(Outcome(2), "2");
  epoch_ = ProducerEpoch(0);
  EXPECT_EQ(Outcome(3), "INVALID_PRODUCER_EPOCH");
}

TEST_F(IdempotenceTest, TheStateSurvivesAKillWithTheIndexOrWithoutIt) {
  epoch_ = ProducerEpoch(1);
  int32_t sequence = 0;
  for (const bool index_lost : {false, true}) {
    for (int i = 0; i < 6; ++i) {
      Send(sequence++);
    }
    broker_.KillAndRestart([&] {
      if (index_lost) {
        RemoveIndex();
      }
    });
    EXPECT_EQ(Outcome(sequence - 6), "OUT_OF_ORDER_SEQUENCE_NUMBER");
    for (int i = 5; i > 0; --i) {
      EXPECT_EQ(Outcome(sequence - i), absl::StrCat(sequence - i));
    }
    EXPECT_EQ(Outcome(sequence + 1), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  }
  EXPECT_EQ(end(), sequence);
}

TEST_F(IdempotenceTest, ARetryIsKnownAfterItsRecordsWereDeleted) {
  Send(0, 3);
  Send(3);
  CHECK_OK(broker_.log("orders").AdvanceStart(Offset(4)));
  for (int start = 0; start < 3; ++start) {
    const auto again = Send(0, 3);
    EXPECT_EQ(Name(again.error_code), "NONE");
    EXPECT_EQ(again.base_offset, 0);
    EXPECT_EQ(again.log_start_offset, 4) << "by which a client sees that they are gone";
    start == 0 ? broker_.Restart() : broker_.KillAndRestart();
  }
}

// Expiry.

TEST_F(IdempotenceTest, AProducerIsRememberedForADayIfNothingElseIsSet) {
  EXPECT_EQ(broker_.config().Int("producer.id.expiration.ms"), 86'400'000);
}

class ProducerExpiryTest : public IdempotenceTest {
 protected:
  explicit ProducerExpiryTest()
      : IdempotenceTest({.configs = {{"producer.id.expiration.ms", "60000"}}, .clock = &clock()}) {}
  // Built before the broker, which is a base's member. Records are stamped with the machine's time, so it
  // begins there.
  static ManualClock& clock() {
    static ManualClock clock(absl::Now());
    return clock;
  }
  void Pass(absl::Duration time) {
    clock().Advance(time);
    broker_.Tick();
  }
};

TEST_F(ProducerExpiryTest, AProducerThatSendsNothingForItsTimeIsUnknownAgain) {
  Send(0);
  Pass(absl::Milliseconds(59'999));
  EXPECT_EQ(Outcome(500), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  Pass(absl::Milliseconds(1));
  EXPECT_EQ(Outcome(500), "1");
  EXPECT_EQ(Outcome(501), "2");
}

TEST_F(ProducerExpiryTest, SendingKeepsItKnown) {
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(Outcome(i), absl::StrCat(i));
    Pass(absl::Seconds(40));
  }
  EXPECT_EQ(Outcome(0), "0");
}

TEST_F(ProducerExpiryTest, TheTimeThatTheBrokerWasDownCounts) {
  Send(0);
  clock().Advance(absl::Seconds(30));
  broker_.Restart();
  EXPECT_EQ(Outcome(500), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  clock().Advance(absl::Seconds(30));
  broker_.Restart();
  EXPECT_EQ(Outcome(500), "1");
}

// Ids.

TEST_F(IdempotenceTest, EveryProducerGetsAnIdOfItsOwn) {
  for (int16_t version = 0; version <= 5; ++version) {
    const auto response = InitProducerId(client_, version);
    EXPECT_EQ(Name(response.error_code), "NONE");
    EXPECT_EQ(response.producer_epoch, 0);
    EXPECT_GT(response.producer_id, id_.value());
    id_ = ProducerId(response.producer_id);
  }
}

TEST_F(IdempotenceTest, IdsAreNotGivenTwiceOverAStopOrAKill) {
  broker_.Restart();
  RawClient client = broker_.Connect();
  const auto second = InitProducerId(client);
  EXPECT_GT(second.producer_id, id_.value());
  broker_.KillAndRestart();
  RawClient last = broker_.Connect();
  EXPECT_GT(InitProducerId(last).producer_id, second.producer_id);
}

// KIP-360. The coordinator raises the epochs of transactional ids only; it knows no others. An idempotent
// producer raises its own, and one that tells its id and epoch all the same is given a new id, as Kafka
// does: whatever they were, nothing that was sent under them can be mistaken for the new producer's.
TEST_F(IdempotenceTest, ABumpWithoutATransactionalIdIsAnsweredWithANewId) {
  Send(0);
  for (const int16_t epoch : {int16_t{0}, int16_t{5}, std::numeric_limits<int16_t>::max()}) {
    for (int16_t version = 3; version <= 5; ++version) {
      kafka::InitProducerIdRequest bump;
      bump.producer_id = id_.value();
      bump.producer_epoch = epoch;
      const auto response = client_.Call(bump, version);
      EXPECT_EQ(Name(response.error_code), "NONE");
      EXPECT_GT(response.producer_id, id_.value());
      EXPECT_EQ(response.producer_epoch, 0);
    }
  }
}

TEST_F(IdempotenceTest, ABumpByTheProducerItselfNeedsNobodysLeave) {
  Send(0);
  Send(1);
  epoch_ = ProducerEpoch(1);
  EXPECT_EQ(Outcome(0), "2");
}

TEST_F(IdempotenceTest, AnIdWithoutAnEpochOrAnEpochWithoutAnIdIsInvalid) {
  kafka::InitProducerIdRequest half;
  half.producer_id = 7;
  EXPECT_EQ(Name(client_.Call(half, 4).error_code), "INVALID_REQUEST");
  half.producer_id = -1;
  half.producer_epoch = 7;
  EXPECT_EQ(Name(client_.Call(half, 4).error_code), "INVALID_REQUEST");
}

TEST_F(IdempotenceTest, ATransactionalIdIsRefused) {
  kafka::InitProducerIdRequest transactional;
  transactional.transactional_id = "tx";
  transactional.transaction_timeout_ms = 1000;
  EXPECT_EQ(Name(client_.Call(transactional, 4).error_code), "INVALID_REQUEST");
}

}  // namespace
}  // namespace sluice
