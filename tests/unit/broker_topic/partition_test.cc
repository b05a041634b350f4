#include "broker/topic/partition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_log.h"

namespace sluice::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CountingWaiter final : public PartitionWaiter {
 public:
  void OnPartitionChanged() override { ++calls; }
  void NotePartitionMoved() override { ++notes; }
  int calls = 0;
  int notes = 0;
};

class PartitionTest : public testing::Test {
 protected:
  void Await(int64_t offset) {
    partition->AwaitCommitted(Offset(offset), [this, offset](absl::Status status) {
      (status.ok() ? committed : failed).push_back(offset);
    });
  }

  std::shared_ptr<FakeLog> log =
      std::make_shared<FakeLog>(storage::LogName{.topic = "t", .id = {}}, storage::LogOptions{});
  std::unique_ptr<Partition> partition =
      std::make_unique<Partition>("t", PartitionId(0), LeaderEpoch(1), log);
  std::vector<int64_t> committed;
  std::vector<int64_t> failed;
};

TEST_F(PartitionTest, CommitsAreToldInOrderAsFarAsTheDiskHasThem) {
  Await(5);
  Await(3);
  Await(9);
  log->MoveReadableEnd(Offset(2));
  EXPECT_THAT(committed, IsEmpty());
  log->MoveReadableEnd(Offset(5));
  EXPECT_THAT(committed, ElementsAre(3, 5));
  log->MoveReadableEnd(Offset(20));
  EXPECT_THAT(committed, ElementsAre(3, 5, 9));
}

TEST_F(PartitionTest, WhatIsOnTheDiskIsToldAtOnce) {
  log->MoveReadableEnd(Offset(5));
  Await(5);
  EXPECT_THAT(committed, ElementsAre(5));
}

TEST_F(PartitionTest, CallbackMayWaitAgain) {
  partition->AwaitCommitted(Offset(1), [this](absl::Status) { Await(2); });
  log->MoveReadableEnd(Offset(1));
  EXPECT_THAT(committed, IsEmpty());
  log->MoveReadableEnd(Offset(2));
  EXPECT_THAT(committed, ElementsAre(2));
}

TEST_F(PartitionTest, CloseFailsWhatWaitsAndWhatComes) {
  log->MoveReadableEnd(Offset(3));
  Await(4);
  partition->Close();
  EXPECT_THAT(failed, ElementsAre(4));
  Await(5);
  EXPECT_THAT(failed, ElementsAre(4, 5));
  Await(3);  // That much is true all the same.
  EXPECT_THAT(committed, ElementsAre(3));
}

TEST_F(PartitionTest, WaiterIsToldOnceOfTheNextReadableRecord) {
  const auto waiter = std::make_shared<CountingWaiter>();
  partition->AddWaiter(waiter);
  log->Notify();  // Something was appended that nobody may see yet.
  EXPECT_EQ(waiter->calls, 0);
  log->MoveReadableEnd(Offset(1));
  log->MoveReadableEnd(Offset(2));
  EXPECT_EQ(waiter->calls, 1);
}

TEST_F(PartitionTest, WaiterNotesTheMoveBeforeAProducerHearsOfIt) {
  const auto waiter = std::make_shared<CountingWaiter>();
  partition->AddWaiter(waiter);
  std::vector<int> noted;
  const auto ask = [&](absl::Status) { noted.push_back(waiter->notes); };
  partition->AwaitCommitted(Offset(1), ask);
  log->MoveReadableEndUntold(Offset(2));
  partition->AwaitCommitted(Offset(2), ask);
  EXPECT_THAT(noted, IsEmpty()) << "the record is there, and a consumer would not look for it yet";
  log->Notify();
  EXPECT_THAT(noted, ElementsAre(1, 1));
  EXPECT_EQ(waiter->calls, 1);
}

TEST_F(PartitionTest, WaiterIsToldOfANewLogStart) {
  const auto waiter = std::make_shared<CountingWaiter>();
  partition->AddWaiter(waiter);
  ASSERT_EQ(log->AdvanceStart(Offset(1)), absl::OkStatus());
  EXPECT_EQ(waiter->notes, 1);
  EXPECT_EQ(waiter->calls, 1);
}

TEST_F(PartitionTest, RemovedWaiterIsNotToldAndNotKept) {
  auto waiter = std::make_shared<CountingWaiter>();
  partition->AddWaiter(waiter);
  partition->RemoveWaiter(waiter.get());
  EXPECT_EQ(waiter.use_count(), 1);
  log->MoveReadableEnd(Offset(1));
  EXPECT_EQ(waiter->calls, 0);
}

TEST_F(PartitionTest, CloseTellsWaitersNowAndFromNowOn) {
  const auto before = std::make_shared<CountingWaiter>();
  const auto after = std::make_shared<CountingWaiter>();
  partition->AddWaiter(before);
  partition->Close();
  partition->AddWaiter(after);
  EXPECT_EQ(before->calls, 1);
  EXPECT_EQ(after->calls, 1);
  EXPECT_TRUE(partition->closed());
}

TEST_F(PartitionTest, LogMayMoveAfterThePartitionIsGone) {
  Await(1);
  partition.reset();
  EXPECT_THAT(failed, ElementsAre(1));
  log->MoveReadableEnd(Offset(1));
}

TEST_F(PartitionTest, WhenTheLogGoesOfflineCommitsFailAndNobodyWaitsAnyMore) {
  absl::Status committed;
  partition->AwaitCommitted(Offset(5), [&](absl::Status status) { committed = status; });
  const auto waiter = std::make_shared<CountingWaiter>();
  partition->AddWaiter(waiter);
  log->failure = absl::FailedPreconditionError("the disk failed");
  log->MoveReadableEnd(Offset(5));  // A sync that had begun before the other failed.
  EXPECT_EQ(committed, log->failure);
  EXPECT_EQ(waiter->calls, 1);
  EXPECT_TRUE(partition->offline());

  // No ack after the error, ever: not even of what was on the disk.
  partition->AwaitCommitted(Offset(1), [&](absl::Status status) { committed = status; });
  EXPECT_EQ(committed, log->failure);
  partition->AddWaiter(waiter);
  EXPECT_EQ(waiter->calls, 2);
}

}  // namespace
}  // namespace sluice::broker
