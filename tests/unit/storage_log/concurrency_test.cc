// Appenders, readers and maintenance at once: meant for the thread sanitizer.
#include <thread>

#include "tests/support/log_fixture.h"
#include "tests/support/thread_pool.h"

namespace sluice::storage {
namespace {

class ConcurrencyTest : public LogFixture {
 protected:
  void OpenPooled() {
    auto opened = LogDir::Open(dir_options_, cluster_, {disk_, clock_, pool_of_threads_, nullptr});
    ASSERT_TRUE(opened.ok()) << opened.status();
    dir_ = *std::move(opened);
  }
  void MakeLog() {
    const auto created = dir_->Create({"orders", id_}, options_);
    ASSERT_TRUE(created.ok()) << created.status();
    log_ = created->get();
    Listen();
  }

  ThreadPool pool_of_threads_{2};
};

// Reads everything up to `end` from another thread, checking continuity and content.
void Follow(Log& log, int64_t end, uint64_t max_bytes) {
  ReadCursor cursor;
  int64_t offset = 0;
  while (offset < end) {
    const ReadRequest request{.offset = Offset(offset),
                              .limit = log.readable_end(),
                              .max_bytes = max_bytes,
                              .at_least_one_batch = true};
    ReadOutcome outcome = log.TryRead(request, &cursor);
    if (outcome.code == ReadCode::kWouldBlock) {
      outcome = log.Read(request, &cursor);
    }
    ASSERT_EQ(outcome.code, ReadCode::kOk) << outcome.status;
    for (const Bytes& bytes : Split(ReadRange(outcome.range))) {
      ASSERT_EQ(record::BatchView(bytes).base_offset().value(), offset);
      offset = record::BatchView(bytes).next_offset().value();
    }
    ASSERT_EQ(cursor.next_offset.value() == offset || outcome.range.size == 0, true);
  }
}

TEST_F(ConcurrencyTest, ReadersFollowWritersAcrossSegments) {
  for (const AppendMethod method : {AppendMethod::kMmap, AppendMethod::kPwrite}) {
    for (const Durability durability : {Durability::kPageCache, Durability::kSynced}) {
      options_.append_method = method;
      options_.durability = durability;
      options_.segment_bytes = 256 << 10;
      dir_options_.path = temp_ / absl::StrCat("c", static_cast<int>(method), static_cast<int>(durability));
      dir_options_.checkpoint_interval_bytes = 300 << 10;
      dir_options_.maintenance_interval_ms = 1;
      OpenPooled();
      MakeLog();
      constexpr int kWriters = 3;
      constexpr int kBatches = 700;
      std::vector<std::thread> threads;
      for (int w = 0; w < kWriters; ++w) {
        threads.emplace_back([this, w] {
          for (int i = 0; i < kBatches; ++i) {
            const Bytes batch = MakeBatch({.value_size = static_cast<size_t>(100 + (i * 37 + w) % 1500)});
            const AppendContext context{.leader_epoch = LeaderEpoch(0), .now_ms = 1};
            AppendOutcome outcome = log_->TryAppend(record::BatchView(batch), context);
            if (outcome.code == AppendCode::kWouldBlock) {
              outcome = log_->Append(record::BatchView(batch), context);
            }
            ASSERT_EQ(outcome.code, AppendCode::kOk) << outcome.status;
          }
        });
      }
      for (const uint64_t max_bytes : {1000u, 100'000u}) {
        threads.emplace_back([this, max_bytes] { Follow(*log_, kWriters * kBatches, max_bytes); });
      }
      for (std::thread& thread : threads) {
        thread.join();
      }
      EXPECT_GT(log_->segment_count(), 3u);
      ASSERT_EQ(dir_->Close(), absl::OkStatus());
      Crash();
      OpenPooled();
      log_ = dir_->Find(id_);
      log_->SetOptions(options_);
      EXPECT_EQ(log_->end().value(), kWriters * kBatches);
      Follow(*log_, kWriters * kBatches, 1 << 20);
      Crash();
    }
  }
}

TEST_F(ConcurrencyTest, ADirectoryMayGoAwayWhileTasksAreQueued) {
  for (int round = 0; round < 20; ++round) {
    dir_options_.path = temp_ / absl::StrCat("r", round);
    options_.segment_bytes = 64 << 10;
    OpenPooled();
    MakeLog();
    for (int i = 0; i < 200; ++i) {
      ASSERT_EQ(Append({.value_size = 1000}).code, AppendCode::kOk);
    }
    if (round % 2 == 0) {
      ASSERT_EQ(dir_->Delete(id_), absl::OkStatus());
    }
    Crash();
  }
}

TEST_F(ConcurrencyTest, OneSyncServesManyAppends) {
  options_.durability = Durability::kSynced;
  options_.segment_bytes = 16 << 20;
  OpenPooled();
  MakeLog();
  const int64_t before = disk_.calls(DiskCall::kSync);
  for (int i = 0; i < 5000; ++i) {
    ASSERT_EQ(Append({.value_size = 100}).code, AppendCode::kOk);
  }
  AwaitDurable(Offset(5000));
  EXPECT_LT(disk_.calls(DiskCall::kSync) - before, 2500);
}

}  // namespace
}  // namespace sluice::storage
