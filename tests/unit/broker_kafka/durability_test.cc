// What acks=all waits for, what it does not hold back, and what a bad disk does.
#include <gmock/gmock.h>

#include <chrono>
#include <thread>

#include "tests/support/fault_disk.h"
#include "tests/unit/broker_kafka/kafka_fixture.h"

namespace sluice {
namespace {

using storage::DiskCall;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class FaultyDisk {
 protected:
  storage::PosixDisk posix_;
  storage::FaultDisk disk_{posix_};
};

class DurabilityTest : protected FaultyDisk, public KafkaTest {
 protected:
  DurabilityTest() : KafkaTest({.disk = &disk_}) { broker_.CreateTopic("orders"); }
  // The broker's stop syncs.
  ~DurabilityTest() override { disk_.Release(DiskCall::kSync); }

  template <class Condition>
  static bool Eventually(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition() && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
    }
    return condition();
  }
  bool LogEndsAt(int64_t offset) {
    return Eventually([&] { return broker_.log("orders").end().value() == offset; });
  }
};

TEST_F(DurabilityTest, AcksAllWaitsForTheDiskAndHoldsNothingElseBack) {
  disk_.Hold(DiskCall::kSync);
  client_.Send(MakeProduce("orders", MakeBatch({"all"}), -1), 9);
  client_.Send(MakeProduce("orders", MakeBatch({"leader"}), 1), 9);
  EXPECT_TRUE(LogEndsAt(2)) << "the second request must not wait for the first one's sync";
  EXPECT_FALSE(client_.HasAnswerWithin(50)) << "answers keep their order, and the first is not on the disk";

  RawClient other = broker_.Connect();
  EXPECT_EQ(OnlyPartition(other.Call(MakeProduce("orders", MakeBatch({"other"}), 1), 9)).base_offset, 2);
  const auto unseen = other.Call(MakeFetch("orders"), kFetchByName);
  EXPECT_THAT(ValuesOf(OnlyPartition(unseen).records->bytes), IsEmpty())
      << "consumers see what is on the disk";
  EXPECT_EQ(OnlyPartition(unseen).high_watermark, 0);
  EXPECT_EQ(Name(OnlyPartition(other.Call(MakeFetch("orders", {.offset = 3}), kFetchByName)).error_code),
            "NONE");

  disk_.Release(DiskCall::kSync);
  EXPECT_EQ(OnlyPartition(client_.Receive<kafka::ProduceResponse>()).base_offset, 0);
  EXPECT_EQ(OnlyPartition(client_.Receive<kafka::ProduceResponse>()).base_offset, 1);
  EXPECT_THAT(Fetch("orders", {.max_wait_ms = 15'000, .min_bytes = 210}),
              ElementsAre("all", "leader", "other"));
}

TEST_F(DurabilityTest, BatchThatIsNotOnTheDiskInTimeIsAnsweredWithATimeout) {
  disk_.Hold(DiskCall::kSync);
  const Bytes batch = MakeBatch({"late"});
  auto request = MakeProduce("orders", batch);
  request.timeout_ms = 50;
  const auto answer = OnlyPartition(client_.Call(request, 9));
  EXPECT_EQ(Name(answer.error_code), "REQUEST_TIMED_OUT");
  EXPECT_THAT(answer.error_message.value_or(""), HasSubstr("timeout"));
  disk_.Release(DiskCall::kSync);
  EXPECT_EQ(Produce("orders", {"next"}), 1);
  EXPECT_THAT(Fetch("orders"), ElementsAre("late", "next"));
}

TEST_F(DurabilityTest, TimeoutsOfOneConnectionAreEachTheirOwn) {
  disk_.Hold(DiskCall::kSync);
  const Bytes batch = MakeBatch({"value"});
  auto patient = MakeProduce("orders", batch);
  patient.timeout_ms = 60'000;
  auto hasty = MakeProduce("orders", batch);
  hasty.timeout_ms = 50;
  RawClient other = broker_.Connect();
  client_.Send(patient, 9);
  EXPECT_EQ(Name(OnlyPartition(other.Call(hasty, 9)).error_code), "REQUEST_TIMED_OUT");
  EXPECT_FALSE(client_.HasAnswerWithin(50));
  client_.Send(hasty, 9);
  disk_.Release(DiskCall::kSync);
  EXPECT_EQ(Name(OnlyPartition(client_.Receive<kafka::ProduceResponse>()).error_code), "NONE");
  client_.Receive<kafka::ProduceResponse>();
}

TEST_F(DurabilityTest, DeletionOfTheTopicEndsTheWait) {
  disk_.Hold(DiskCall::kSync);
  client_.Send(MakeProduce("orders", MakeBatch({"doomed"})), 9);
  EXPECT_TRUE(LogEndsAt(1));
  broker_.partition("orders").Close();  // What the catalog does first.
  EXPECT_EQ(Name(OnlyPartition(client_.Receive<kafka::ProduceResponse>()).error_code),
            "NOT_LEADER_OR_FOLLOWER");
}

TEST_F(DurabilityTest, BatchOnItsWayIsAcknowledgedThoughTheBrokerStops) {
  RawClient idle = broker_.Connect();
  disk_.Hold(DiskCall::kSync);
  client_.Send(MakeProduce("orders", MakeBatch({"last"})), 9);
  EXPECT_TRUE(LogEndsAt(1));
  std::thread stopper([&] { broker_.Restart(); });
  EXPECT_TRUE(idle.IsClosedByPeer()) << "the stop has begun";
  disk_.Release(DiskCall::kSync);
  EXPECT_EQ(Name(OnlyPartition(client_.Receive<kafka::ProduceResponse>()).error_code), "NONE");
  stopper.join();
}

TEST_F(DurabilityTest, ConnectionMayGoWhileItsBatchIsOnItsWay) {
  disk_.Hold(DiskCall::kSync);
  {
    RawClient gone = broker_.Connect();
    gone.Send(MakeProduce("orders", MakeBatch({"orphan"})), 9);
    EXPECT_TRUE(LogEndsAt(1));
  }
  disk_.Release(DiskCall::kSync);
  EXPECT_EQ(Produce("orders", {"next"}), 1);
  EXPECT_THAT(Fetch("orders"), ElementsAre("orphan", "next"));
}

TEST_F(DurabilityTest, FullDiskRefusesAppendsAndNotReads) {
  Produce("orders", {"before"});
  disk_.FailAllFrom(DiskCall::kAllocate, 1, absl::ResourceExhaustedError("no space left"));
  const Bytes large = MakeBatch({std::string(900'000, 'x')});
  std::string code = "NONE";
  int appended = 0;
  for (; code == "NONE" && appended < 500; ++appended) {
    code = std::string(Name(OnlyPartition(client_.Call(MakeProduce("orders", large), 9)).error_code));
  }
  EXPECT_EQ(code, "KAFKA_STORAGE_ERROR");
  EXPECT_EQ(Fetch("orders", {.partition_max_bytes = 100}), std::vector<std::string>{"before"});
  disk_.Heal(DiskCall::kAllocate);
  EXPECT_TRUE(Eventually([&] {
    return Name(OnlyPartition(client_.Call(MakeProduce("orders", large), 9)).error_code) == "NONE";
  }));
}

TEST_F(DurabilityTest, PageCacheTopicDoesNotWaitForTheDisk) {
  broker_.CreateTopic("fast", 1, {{"sluice.durability", "page-cache"}});
  disk_.Hold(DiskCall::kSync);
  EXPECT_EQ(Produce("fast", {"quick"}), 0);
  EXPECT_THAT(Fetch("fast"), ElementsAre("quick"));
}

}  // namespace
}  // namespace sluice
