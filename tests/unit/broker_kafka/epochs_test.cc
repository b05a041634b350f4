// Leader epochs (KIP-101, KIP-320): what a client says of its own is checked, what it is told agrees with the
// batches, and no restart, retention or compaction makes a client believe that it lost records.
#include <gmock/gmock.h>

#include <filesystem>

#include "proto/kafka/gen/list_offsets.h"
#include "proto/kafka/gen/metadata.h"
#include "proto/kafka/gen/offset_for_leader_epoch.h"
#include "tests/unit/broker_kafka/kafka_fixture.h"

namespace sluice {
namespace {

constexpr int32_t kNoCheck = -1;

class EpochsTest : public KafkaTest {
 protected:
  EpochsTest() { broker_.CreateTopic("orders"); }

  int32_t epoch() { return broker_.partition("orders").leader_epoch().value(); }
  // A connection of its own, so that it may follow a restart.
  template <class Request>
  auto Call(const Request& request, int16_t version) {
    RawClient client = broker_.Connect();
    return client.Call(request, version);
  }
  int64_t Put(const std::string& value) {
    const Bytes batch = MakeBatch({value});
    return OnlyPartition(Call(MakeProduce("orders", batch), kProduceByName)).base_offset;
  }

  // What each of the three calls says to a client that believes in the epoch `current`.
  std::string FetchSays(int32_t current, int16_t version) {
    kafka::FetchRequest request = MakeFetch("orders");
    request.topics[0].topic_id = broker_.catalog().Find("orders")->id;
    request.topics[0].partitions[0].current_leader_epoch = current;
    return Name(OnlyPartition(Call(request, version)).error_code);
  }
  auto List(int64_t timestamp, int32_t current, int16_t version) {
    kafka::ListOffsetsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = "orders";
    auto& partition = topic.partitions.emplace_back();
    partition.timestamp = timestamp;
    partition.current_leader_epoch = current;
    return Call(request, version).topics.at(0).partitions.at(0);
  }
  auto EndOf(int32_t asked, int32_t current = kNoCheck, int16_t version = 4) {
    kafka::OffsetForLeaderEpochRequest request;
    auto& topic = request.topics.emplace_back();
    topic.topic = "orders";
    auto& partition = topic.partitions.emplace_back();
    partition.current_leader_epoch = current;
    partition.leader_epoch = asked;
    return Call(request, version).topics.at(0).partitions.at(0);
  }
  // {epoch, end offset}
  std::pair<int32_t, int64_t> Ending(int32_t asked) {
    const auto answer = EndOf(asked);
    EXPECT_EQ(Name(answer.error_code), "NONE");
    return {answer.leader_epoch, answer.end_offset};
  }

  // The epoch written into the batch that holds `offset`.
  int32_t EpochInBatchAt(int64_t offset) {
    RawClient client = broker_.Connect();  // The batch is a view of what it received.
    const auto response = client.Call(MakeFetch("orders", {.offset = offset}), kFetchByName);
    return record::BatchView(record::ParseBatch(OnlyPartition(response).records->bytes).batch)
        .leader_epoch()
        .value();
  }
  int32_t EpochInMetadata(int16_t version) {
    kafka::MetadataRequest request;
    request.topics.emplace().emplace_back().name = "orders";
    return Call(request, version).topics.at(0).partitions.at(0).leader_epoch;
  }
  void RemoveIndex() { std::filesystem::remove_all(broker_.directory() + "/logs/index"); }
};

TEST_F(EpochsTest, ALowerCurrentEpochIsFencedByAllThreeCalls) {
  const int32_t old = epoch();
  broker_.Restart();
  for (int16_t version = 9; version <= 18; ++version) {
    EXPECT_EQ(FetchSays(old, version), "FENCED_LEADER_EPOCH") << "Fetch version " << version;
  }
  for (int16_t version = 4; version <= 11; ++version) {
    for (const int64_t timestamp : {-1, -2, 0}) {
      EXPECT_EQ(Name(List(timestamp, old, version).error_code), "FENCED_LEADER_EPOCH") << version;
    }
  }
  for (int16_t version = 2; version <= 4; ++version) {
    const auto answer = EndOf(old, old, version);
    EXPECT_EQ(Name(answer.error_code), "FENCED_LEADER_EPOCH") << version;
    EXPECT_EQ(answer.end_offset, -1);
  }
}

TEST_F(EpochsTest, AHigherCurrentEpochIsUnknownToAllThreeCalls) {
  const int32_t future = epoch() + 1;
  for (int16_t version = 9; version <= 18; ++version) {
    EXPECT_EQ(FetchSays(future, version), "UNKNOWN_LEADER_EPOCH") << "Fetch version " << version;
  }
  for (int16_t version = 4; version <= 11; ++version) {
    for (const int64_t timestamp : {-1, -2, 0}) {
      EXPECT_EQ(Name(List(timestamp, future, version).error_code), "UNKNOWN_LEADER_EPOCH") << version;
    }
  }
  for (int16_t version = 2; version <= 4; ++version) {
    EXPECT_EQ(Name(EndOf(epoch(), future, version).error_code), "UNKNOWN_LEADER_EPOCH") << version;
  }
}

TEST_F(EpochsTest, MinusOneAndOurOwnEpochPassAllThreeCalls) {
  for (const int32_t current : {kNoCheck, epoch()}) {
    EXPECT_EQ(FetchSays(current, 18), "NONE");
    EXPECT_EQ(Name(List(-1, current, 11).error_code), "NONE");
    EXPECT_EQ(Name(EndOf(epoch(), current).error_code), "NONE");
  }
}

TEST_F(EpochsTest, VersionsWithoutTheFieldAreNotChecked) {
  broker_.Restart();
  EXPECT_EQ(FetchSays(kNoCheck, 8), "NONE");
  EXPECT_EQ(Name(List(-1, kNoCheck, 3).error_code), "NONE");
}

TEST_F(EpochsTest, MetadataListOffsetsAndBatchesTellTheSameEpoch) {
  for (int start = 0; start < 3; ++start) {
    const int64_t offset = Put("value");
    EXPECT_EQ(EpochInBatchAt(offset), epoch());
    for (int16_t version = 7; version <= 13; ++version) {
      EXPECT_EQ(EpochInMetadata(version), epoch());
    }
    EXPECT_EQ(List(-1, kNoCheck, 11).leader_epoch, epoch());
    EXPECT_EQ(List(-2, kNoCheck, 11).leader_epoch, EpochInBatchAt(0));
    EXPECT_EQ(List(-3, kNoCheck, 11).leader_epoch, EpochInBatchAt(List(-3, kNoCheck, 11).offset));
    start == 0 ? broker_.Restart() : broker_.KillAndRestart();
  }
}

TEST_F(EpochsTest, EveryStartHasAHigherEpochThanTheOneBefore) {
  int32_t last = epoch();
  for (int start = 0; start < 4; ++start) {
    start % 2 == 0 ? broker_.Restart() : broker_.KillAndRestart();
    EXPECT_GT(epoch(), last);
    last = epoch();
  }
}

TEST_F(EpochsTest, EachEpochEndsWhereTheNextOneThatWroteBeganAfterStopsKillsAndALostIndex) {
  std::vector<std::pair<int32_t, int64_t>> ends;
  for (int start = 0; start < 4; ++start) {
    Put("value");
    Put("value");
    ends.emplace_back(epoch(), 2 * (start + 1));
    switch (start) {
      case 0:
        broker_.Restart();
        break;
      case 1:
        broker_.KillAndRestart();
        break;
      default:
        broker_.KillAndRestart([this] { RemoveIndex(); });
    }
    for (const auto& end : ends) {
      EXPECT_EQ(Ending(end.first), end) << "after start " << start;
    }
  }
}

// A consumer that read to the end learned the epoch from Metadata or ListOffsets. It asks where that epoch
// ends after the next start; "nowhere" would make it reset its offset.
TEST_F(EpochsTest, AnEpochInWhichNothingWasWrittenEndsWhereTheLastThatWroteDoes) {
  Put("value");
  const int32_t wrote = epoch();
  broker_.Restart();
  const int32_t idle = epoch();
  EXPECT_EQ(Ending(idle), std::make_pair(idle, int64_t{1})) << "our own, before its first record";
  broker_.Restart();
  EXPECT_EQ(Ending(idle), std::make_pair(wrote, int64_t{1}));
  Put("value");
  EXPECT_EQ(Ending(idle), std::make_pair(wrote, int64_t{1}));
  EXPECT_EQ(Ending(epoch()), std::make_pair(epoch(), int64_t{2}));
}

TEST_F(EpochsTest, OfALogThatWasNeverWrittenEveryEarlierEpochEndsAtItsStart) {
  const int32_t old = epoch();
  broker_.Restart();
  EXPECT_EQ(Ending(old), std::make_pair(old, int64_t{0}));
}

TEST_F(EpochsTest, AnEpochThatNeverWasEndsNowhere) {
  Put("value");
  for (const int32_t never : {epoch() + 1, -1, std::numeric_limits<int32_t>::max()}) {
    EXPECT_EQ(Ending(never), std::make_pair(-1, int64_t{-1}));
  }
}

TEST_F(EpochsTest, AnEpochWhoseRecordsWereDeletedEndsNoEarlierThanItDid) {
  Put("a");
  Put("b");
  const int32_t old = epoch();
  broker_.Restart();
  Put("c");
  for (const int64_t start : {1, 2, 3}) {
    CHECK_OK(broker_.log("orders").AdvanceStart(Offset(start)));
    const auto [found, end] = Ending(old);
    EXPECT_LE(found, old);
    EXPECT_GE(end, 2) << "a consumer at 2 would be told that records below it were lost";
    EXPECT_EQ(Ending(epoch()), std::make_pair(epoch(), int64_t{3}));
  }
}

TEST_F(EpochsTest, EpochsAreKeptOverACompactionThatLeavesAGapBetweenThem) {
  broker_.CreateTopic(
      "compacted", 1,
      {{"cleanup.policy", "compact"}, {"segment.bytes", "1048576"}, {"min.cleanable.dirty.ratio", "0"}});
  const auto put = [this](size_t bytes) {
    Call(MakeProduce("compacted", MakeBatch({std::string(bytes, 'x')})), kProduceByName);  // One key.
  };
  put(10);
  put(10);
  const LeaderEpoch first = broker_.partition("compacted").leader_epoch();
  broker_.Restart();
  for (int i = 0; i < 4; ++i) {
    put(600'000);
  }
  storage::Log& before = broker_.log("compacted");
  const auto end_before = before.FindEpochEnd(first);
  ASSERT_TRUE(end_before.has_value());
  EXPECT_EQ(end_before->end_offset, Offset(2));
  ASSERT_GT(broker_.Compact(), 0u);
  for (const bool index_lost : {false, true}) {
    EXPECT_GE(broker_.partition("compacted").FindEpochEnd(first)->end_offset, Offset(2));
    EXPECT_EQ(broker_.log("compacted").EpochOf(Offset(5)).value(), first.value() + 1);
    broker_.KillAndRestart([&] {
      if (index_lost) {
        RemoveIndex();
      }
    });
  }
}

// Diverging epochs in Fetch (KIP-595).

class DivergingTest : public EpochsTest {
 protected:
  // {[0,0][1,1]} of `first_`, {[2,2]} of `second_`.
  DivergingTest() {
    Put("a");
    Put("b");
    first_ = epoch();
    broker_.Restart();
    second_ = epoch();
    Put("c");
  }
  auto FetchFrom(int64_t offset, int32_t last_fetched, int16_t version = kFetchByName) {
    kafka::FetchRequest request = MakeFetch("orders", {.offset = offset, .max_wait_ms = 10'000});
    request.topics[0].topic_id = broker_.catalog().Find("orders")->id;
    request.topics[0].partitions[0].last_fetched_epoch = last_fetched;
    return OnlyPartition(Call(request, version));
  }
  int32_t first_ = 0;
  int32_t second_ = 0;
};

TEST_F(DivergingTest, AnOffsetBeyondItsEpochsEndIsToldTheEndAndGetsNoRecords) {
  for (int16_t version = 12; version <= 18; ++version) {
    const auto answer = FetchFrom(3, first_, version);
    EXPECT_EQ(Name(answer.error_code), "NONE");
    EXPECT_EQ(answer.diverging_epoch.epoch, first_);
    EXPECT_EQ(answer.diverging_epoch.end_offset, 2);
    EXPECT_TRUE(answer.records->bytes.empty());
  }
}

TEST_F(DivergingTest, AnOffsetWithinItsEpochIsServed) {
  for (const auto& [offset, last_fetched] :
       std::vector<std::pair<int64_t, int32_t>>{{1, first_}, {2, first_}, {2, second_}, {0, -1}}) {
    RawClient client = broker_.Connect();
    kafka::FetchRequest request = MakeFetch("orders", {.offset = offset});
    request.topics[0].partitions[0].last_fetched_epoch = last_fetched;
    const auto response = client.Call(request, kFetchByName);
    EXPECT_EQ(OnlyPartition(response).diverging_epoch.end_offset, -1);
    EXPECT_FALSE(ValuesOf(OnlyPartition(response).records->bytes).empty());
  }
}

TEST_F(DivergingTest, AnEpochThatWroteNothingIsServedFromTheLogsEnd) {
  broker_.Restart();
  kafka::FetchRequest request = MakeFetch("orders", {.offset = 3});
  request.topics[0].partitions[0].last_fetched_epoch = epoch();
  const auto answer = OnlyPartition(Call(request, kFetchByName));
  EXPECT_EQ(Name(answer.error_code), "NONE");
  EXPECT_EQ(answer.diverging_epoch.end_offset, -1);
}

TEST_F(DivergingTest, AnEpochThatNeverWasIsOutOfRange) {
  EXPECT_EQ(Name(FetchFrom(3, second_ + 1).error_code), "OFFSET_OUT_OF_RANGE");
}

TEST_F(DivergingTest, AnOffsetBelowTheLogsStartIsOutOfRangeWhateverItsEpoch) {
  CHECK_OK(broker_.log("orders").AdvanceStart(Offset(2)));
  EXPECT_EQ(Name(FetchFrom(1, first_).error_code), "OFFSET_OUT_OF_RANGE");
}

}  // namespace
}  // namespace sluice
