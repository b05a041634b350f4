// A broker with two log dirs of which one fails: what clients are told, and that the other serves.
#include <gmock/gmock.h>

#include <set>

#include "proto/kafka/gen/list_offsets.h"
#include "proto/kafka/gen/metadata.h"
#include "proto/kafka/gen/offset_for_leader_epoch.h"
#include "tests/support/fault_disk.h"
#include "tests/unit/broker_kafka/kafka_fixture.h"

namespace sluice {
namespace {

using storage::DiskCall;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kStorageError[] = "KAFKA_STORAGE_ERROR";

class FaultyDisk {
 protected:
  storage::PosixDisk posix_;
  storage::FaultDisk disk_{posix_};
};

// Partition 0 of "orders" is in the first log dir, partition 1 in the second, whose disk is `disk_`.
class OfflineTest : protected FaultyDisk, public KafkaTest {
 protected:
  OfflineTest() : KafkaTest({.second_disk = &disk_}) { broker_.CreateTopic("orders", 2); }

  kafka::ProduceResponse::PartitionProduceResponse TryProduce(int32_t partition, int16_t acks = -1) {
    return OnlyPartition(
        client_.Call(MakeProduce("orders", MakeBatch({"x"}), acks, partition), kProduceByName));
  }
  std::string FetchError(int32_t partition) {
    return Name(
        OnlyPartition(client_.Call(MakeFetch("orders", {.partition = partition}), kFetchByName)).error_code);
  }
  void FailSecond() {
    disk_.FailNth(DiskCall::kSync, 1, absl::DataLossError("fdatasync: Input/output error"));
    EXPECT_EQ(Name(TryProduce(1).error_code), kStorageError);
  }
};

TEST_F(OfflineTest, ProducersAndConsumersOfTheFailedDirAreToldAndTheOtherDirServes) {
  Produce("orders", {"a"}, 0);
  Produce("orders", {"b"}, 1);
  disk_.FailNth(DiskCall::kSync, 1, absl::DataLossError("fdatasync: Input/output error"));
  const auto refused = TryProduce(1);
  EXPECT_EQ(Name(refused.error_code), kStorageError);
  EXPECT_THAT(refused.error_message.value_or(""), HasSubstr("Input/output error"));
  EXPECT_THAT(refused.error_message.value_or(""), HasSubstr("logs-2/orders-1 is offline"));

  EXPECT_EQ(Name(TryProduce(1).error_code), kStorageError);
  EXPECT_EQ(Name(TryProduce(1, 1).error_code), kStorageError);
  EXPECT_EQ(FetchError(1), kStorageError);
  EXPECT_EQ(Produce("orders", {"c"}, 0), 1);
  EXPECT_THAT(Fetch("orders"), ElementsAre("a", "c"));
}

TEST_F(OfflineTest, OffsetsOfAnOfflinePartitionAreNotTold) {
  FailSecond();
  kafka::ListOffsetsRequest list;
  kafka::OffsetForLeaderEpochRequest epochs;
  list.topics.emplace_back().name = "orders";
  epochs.topics.emplace_back().topic = "orders";
  for (const int32_t partition : {0, 1}) {
    auto& asked = list.topics[0].partitions.emplace_back();
    asked.partition_index = partition;
    asked.timestamp = -1;
    auto& epoch = epochs.topics[0].partitions.emplace_back();
    epoch.partition = partition;
    epoch.leader_epoch = 1;
  }
  const auto offsets = client_.Call(list, 6).topics.at(0).partitions;
  EXPECT_EQ(Name(offsets.at(0).error_code), "NONE");
  EXPECT_EQ(Name(offsets.at(1).error_code), kStorageError);
  const auto ends = client_.Call(epochs, 4).topics.at(0).partitions;
  EXPECT_EQ(Name(ends.at(0).error_code), "NONE");
  EXPECT_EQ(Name(ends.at(1).error_code), kStorageError);
}

TEST_F(OfflineTest, MetadataShowsThePartitionWithoutALeader) {
  FailSecond();
  kafka::MetadataRequest request;
  const auto topic = client_.Call(request, 9).topics.at(0);
  EXPECT_EQ(Name(topic.error_code), "NONE");
  EXPECT_EQ(Name(topic.partitions.at(0).error_code), "NONE");
  EXPECT_THAT(topic.partitions[0].offline_replicas, testing::IsEmpty());
  const auto& offline = topic.partitions.at(1);
  EXPECT_EQ(Name(offline.error_code), "LEADER_NOT_AVAILABLE");
  EXPECT_EQ(offline.leader_id, -1);
  EXPECT_THAT(offline.replica_nodes, ElementsAre(broker_.node_id().value()));
  EXPECT_THAT(offline.offline_replicas, ElementsAre(broker_.node_id().value()));
}

TEST_F(OfflineTest, AFetchThatWaitsIsAnsweredWhenItsPartitionGoesOffline) {
  RawClient other = broker_.Connect();
  other.Send(MakeFetch("orders", {.partition = 1, .max_wait_ms = 60'000}), kFetchByName);
  EXPECT_FALSE(other.HasAnswerWithin(20));
  FailSecond();
  EXPECT_EQ(Name(OnlyPartition(other.Receive<kafka::FetchResponse>()).error_code), kStorageError);
}

TEST_F(OfflineTest, AFetchSessionIsToldThatAPartitionAtRestWentOffline) {
  kafka::FetchRequest request = MakeFetch("orders", {.partition = 1});
  request.session_epoch = 0;
  request.session_id = client_.Call(request, kFetchByName).session_id;
  request.topics.clear();
  request.session_epoch = 1;
  EXPECT_THAT(client_.Call(request, kFetchByName).responses, testing::IsEmpty());
  FailSecond();
  request.max_wait_ms = 60'000;
  for (request.session_epoch = 2; request.session_epoch < 4; ++request.session_epoch) {
    EXPECT_EQ(Name(OnlyPartition(client_.Call(request, kFetchByName)).error_code), kStorageError);
  }
}

TEST_F(OfflineTest, NewTopicsGoToTheDirThatServesAndOldOnesAreDeletedAtTheNextStart) {
  FailSecond();
  broker_.CreateTopic("new", 2);
  Produce("new", {"a"}, 0);
  Produce("new", {"b"}, 1);
  EXPECT_TRUE(broker_.catalog().Delete("orders").ok());
  const std::string left = broker_.directory() + "/logs-2/orders-1";
  EXPECT_TRUE(posix_.Exists(left));  // What the disk said of a rename could not be believed.
  broker_.Restart();
  EXPECT_FALSE(posix_.Exists(left));
  RawClient again = broker_.Connect();
  EXPECT_THAT(
      ValuesOf(OnlyPartition(again.Call(MakeFetch("new", {.partition = 1}), kFetchByName)).records->bytes),
      ElementsAre("b"));
}

// Whichever sync fails: no ack follows it, and what was acknowledged before is there after a restart.
TEST_F(OfflineTest, AfterTheNthSyncFailedNothingIsAcknowledgedAndNothingAcknowledgedIsLost) {
  for (int64_t nth = 1; nth <= 8; ++nth) {
    disk_.FailNth(DiskCall::kSync, nth, absl::DataLossError("fdatasync: Input/output error"));
    std::set<int64_t> acked;
    bool failed = false;
    for (int i = 0; i < 20; ++i) {
      client_.Send(MakeProduce("orders", MakeBatch({"x"}), -1, 1), kProduceByName);
    }
    for (int i = 0; i < 20; ++i) {
      const auto answer = OnlyPartition(client_.Receive<kafka::ProduceResponse>());
      if (answer.error_code == 0) {
        EXPECT_FALSE(failed) << "an ack after the error, sync " << nth;
        acked.insert(answer.base_offset);
      } else {
        EXPECT_EQ(Name(answer.error_code), kStorageError);
        failed = true;
      }
    }
    while (!failed) {
      failed = TryProduce(1).error_code != 0;
    }
    broker_.Restart();
    client_ = broker_.Connect();
    const int64_t end = broker_.log("orders", 1).readable_end().value();
    EXPECT_GT(end, acked.empty() ? -1 : *acked.rbegin()) << "sync " << nth;
  }
}

TEST_F(OfflineTest, AReadThatFailsIsAnErrorOfThatFetchOnly) {
  Produce("orders", {"a", "b"}, 1);
  Produce("orders", {"c"}, 1);
  broker_.Restart();
  client_ = broker_.Connect();
  disk_.FailAllFrom(DiskCall::kRead, 1, absl::DataLossError("pread: Input/output error"));
  const auto fetch = MakeFetch("orders", {.offset = 2, .partition = 1});
  EXPECT_EQ(Name(OnlyPartition(client_.Call(fetch, kFetchByName)).error_code), kStorageError);
  EXPECT_FALSE(broker_.partition("orders", 1).offline());
  disk_.Heal(DiskCall::kRead);
  EXPECT_THAT(ValuesOf(OnlyPartition(client_.Call(fetch, kFetchByName)).records->bytes), ElementsAre("c"));
  Produce("orders", {"d"}, 1);
}

}  // namespace
}  // namespace sluice
