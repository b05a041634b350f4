#include "broker/topic/append.h"

#include <gtest/gtest.h>

#include "fake_log.h"
#include "proto/record/batch_builder.h"

namespace sluice::broker {
namespace {

class HoldingExecutor final : public storage::Executor {
 public:
  void Post(absl::AnyInvocable<void()> task) override { tasks.push_back(std::move(task)); }
  std::vector<absl::AnyInvocable<void()>> tasks;
};

class AppendBatchTest : public testing::Test {
 protected:
  AppendBatchTest() {
    EXPECT_TRUE(builder.Append(1, std::nullopt, AsBytes("a")).ok());
    batch = record::BatchView(*builder.Build());
  }
  void Append() {
    AppendBatch({.partition = partition, .batch = batch, .now_ms = 42}, pool,
                [this](storage::AppendOutcome outcome) { outcomes.push_back(outcome.base_offset.value()); });
  }

  std::shared_ptr<FakeLog> log =
      std::make_shared<FakeLog>(storage::LogName{.topic = "t", .id = {}}, storage::LogOptions{});
  std::shared_ptr<Partition> partition =
      std::make_shared<Partition>("t", PartitionId(0), LeaderEpoch(9), log);
  HoldingExecutor pool;
  record::BatchBuilder builder;
  record::BatchView batch;
  std::vector<int64_t> outcomes;
};

TEST_F(AppendBatchTest, AppendsOnTheCallersThreadWhenItCan) {
  Append();
  EXPECT_EQ(outcomes, std::vector<int64_t>{0});
  EXPECT_TRUE(pool.tasks.empty());
  EXPECT_EQ(log->last_context.leader_epoch, LeaderEpoch(9));
  EXPECT_EQ(log->last_context.now_ms, 42);
}

TEST_F(AppendBatchTest, GoesToThePoolWhenItWouldBlock) {
  log->would_block = true;
  Append();
  EXPECT_TRUE(outcomes.empty());
  ASSERT_EQ(pool.tasks.size(), 1u);
  pool.tasks[0]();
  EXPECT_EQ(outcomes, std::vector<int64_t>{0});
}

}  // namespace
}  // namespace sluice::broker
