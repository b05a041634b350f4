#include "broker/topic/fetch_wait.h"

#include <gtest/gtest.h>

#include <thread>

#include "absl/synchronization/notification.h"
#include "fake_log.h"

namespace sluice::broker {
namespace {

class FetchWaitTest : public testing::Test {
 protected:
  FetchWaitTest() {
    for (int i = 0; i < 2; ++i) {
      logs.push_back(
          std::make_shared<FakeLog>(storage::LogName{.topic = "t", .id = {}}, storage::LogOptions{}));
      partitions.push_back(std::make_shared<Partition>("t", PartitionId(i), LeaderEpoch(1), logs.back()));
    }
  }
  void Arm() {
    wait.Arm(partitions, [this] { ++wakes; });
  }

  std::vector<std::shared_ptr<FakeLog>> logs;
  std::vector<std::shared_ptr<Partition>> partitions;
  int wakes = 0;
  FetchWait wait;
};

TEST_F(FetchWaitTest, FirstChangeInAnyPartitionWakesOnce) {
  Arm();
  logs[1]->MoveReadableEnd(Offset(1));
  logs[0]->MoveReadableEnd(Offset(1));
  logs[1]->MoveReadableEnd(Offset(2));
  EXPECT_EQ(wakes, 1);
}

TEST_F(FetchWaitTest, DeadlineWakesOnce) {
  Arm();
  wait.Fire();
  wait.Fire();
  logs[0]->MoveReadableEnd(Offset(1));
  EXPECT_EQ(wakes, 1);
}

TEST_F(FetchWaitTest, MayBeArmedAgain) {
  Arm();
  logs[0]->MoveReadableEnd(Offset(1));
  Arm();
  EXPECT_EQ(wakes, 1);
  logs[0]->MoveReadableEnd(Offset(2));
  EXPECT_EQ(wakes, 2);
}

TEST_F(FetchWaitTest, CancelTellsWhetherItCameFirst) {
  EXPECT_FALSE(wait.Cancel());
  Arm();
  EXPECT_TRUE(wait.Cancel());
  logs[0]->MoveReadableEnd(Offset(1));
  EXPECT_EQ(wakes, 0);
  Arm();
  logs[0]->MoveReadableEnd(Offset(2));
  EXPECT_FALSE(wait.Cancel());
}

TEST_F(FetchWaitTest, ClosedPartitionWakes) {
  partitions[0]->Close();
  Arm();
  EXPECT_EQ(wakes, 1);
}

TEST_F(FetchWaitTest, NothingIsKeptAfterItsEnd) {
  const auto token = std::make_shared<int>();
  {
    FetchWait other;
    other.Arm(partitions, [token] {});
    EXPECT_EQ(token.use_count(), 2);
  }
  EXPECT_EQ(token.use_count(), 1);
}

TEST_F(FetchWaitTest, NothingIsKeptByThePartitionsThatDidNotChange) {
  const auto token = std::make_shared<int>();
  wait.Arm(partitions, [token] {});
  logs[0]->MoveReadableEnd(Offset(1));
  EXPECT_EQ(token.use_count(), 1);
  wait.Cancel();
  EXPECT_EQ(partitions[1].use_count(), 1);
}

TEST_F(FetchWaitTest, ChangesRaceWithArmingAndNoneIsLost) {
  for (int i = 1; i <= 2000; ++i) {
    absl::Notification woken;
    std::thread mover([&] { logs[0]->MoveReadableEnd(Offset(i)); });
    FetchWait racing;
    racing.Arm(partitions, [&] { woken.Notify(); });
    if (partitions[0]->high_watermark() < Offset(i) || !racing.Cancel()) {
      woken.WaitForNotification();
    }
    mover.join();
  }
}

}  // namespace
}  // namespace sluice::broker
