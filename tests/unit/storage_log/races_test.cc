// Two threads of a log at the points where they can hurt each other, brought there one step at a time: a
// FaultDisk holds the one, and the other is awaited until it sleeps on a lock.
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "tests/support/log_fixture.h"

namespace sluice::storage {
namespace {

// A thread of which one can say whether it waits for something.
class WatchedThread {
 public:
  explicit WatchedThread(std::function<void()> run)
      : thread_([this, run = std::move(run)] {
          id_ = ::gettid();
          run();
          done_ = true;
        }) {}
  ~WatchedThread() { Join(); }

  bool done() const { return done_; }
  void AwaitAsleepOrDone() const {
    while (!done_ && !IsAsleep()) {
      std::this_thread::yield();
    }
  }
  void Join() {
    if (thread_.joinable()) {
      thread_.join();
    }
  }

 private:
  bool IsAsleep() const {
    if (id_ == 0) {
      return false;
    }
    std::ifstream stat(absl::StrCat("/proc/self/task/", id_.load(), "/stat"));
    std::string line;
    std::getline(stat, line);
    const size_t name_end = line.rfind(") ");
    return name_end != std::string::npos && line[name_end + 2] == 'S';
  }

  std::atomic<int> id_{0};
  std::atomic<bool> done_{false};
  std::thread thread_;
};

class RacesTest : public LogFixture {
 protected:
  RacesTest() {
    options_.segment_bytes = 4096;
    options_.retention_ms = -1;
  }
  void AwaitCalls(DiskCall call, int64_t count) {
    while (disk_.calls(call) < count) {
      std::this_thread::yield();
    }
  }
};

TEST_F(RacesTest, RetentionThatWaitedForARollDoesNotRollTheEmptySegment) {
  options_.retention_ms = 1000;
  OpenNew();
  PutMany(1, {.value_size = 3000, .timestamp_ms = clock_.NowMs()});
  clock_.Advance(absl::Milliseconds(5000));
  const int64_t renames = disk_.calls(DiskCall::kRename);
  const int64_t truncations = disk_.calls(DiskCall::kTruncate);
  disk_.Hold(DiskCall::kRename);
  disk_.Hold(DiskCall::kTruncate);
  WatchedThread appender([this] { Put({.value_size = 3000, .timestamp_ms = clock_.NowMs()}); });
  AwaitCalls(DiskCall::kRename, renames + 1);  // It rolls.
  WatchedThread maintenance([this] { dir_->Tick(); });
  maintenance.AwaitAsleepOrDone();  // Has seen that all expired, and wants to roll too.
  disk_.Release(DiskCall::kRename);
  // Whoever trims the rolled segment is held there; the other one goes on to do what it wanted to.
  AwaitCalls(DiskCall::kTruncate, truncations + 1);
  while (!maintenance.done() && !appender.done() && disk_.calls(DiskCall::kRename) == renames + 1) {
    std::this_thread::yield();
  }
  EXPECT_EQ(disk_.calls(DiskCall::kRename), renames + 1);
  disk_.Release(DiskCall::kTruncate);
  appender.Join();
  maintenance.Join();
  dir_->Tick();
  EXPECT_EQ(log_->start().value(), 1);
  EXPECT_EQ(log_->segment_count(), 1u);
  EXPECT_TRUE(posix_.Exists(LogPath("00000000000000000001.log")));
  CrashAndReopen();
  ExpectLogHolds(1);
}

TEST_F(RacesTest, DeletionWaitsForAnAppendThatMakesRoom) {
  options_.segment_bytes = 64 << 10;
  OpenNew();
  PutMany(1, {.value_size = 3000});
  options_.segment_bytes = 4096;
  log_->SetOptions(options_);
  const int64_t opens = disk_.calls(DiskCall::kOpen);
  const std::shared_ptr<Log> shared = dir_->Share(id_);
  disk_.Hold(DiskCall::kOpen);
  AppendOutcome outcome;
  WatchedThread appender([&] { outcome = Append({.value_size = 3000}); });
  AwaitCalls(DiskCall::kOpen, opens + 1);  // It makes the next segment.
  std::atomic<bool> released{false};
  bool waited = false;
  WatchedThread deleter([&] {
    EXPECT_EQ(dir_->Delete(id_), absl::OkStatus());
    waited = released;
  });
  deleter.AwaitAsleepOrDone();
  released = !deleter.done();
  disk_.Release(DiskCall::kOpen);
  appender.Join();
  deleter.Join();
  EXPECT_TRUE(waited);
  EXPECT_EQ(outcome.code, AppendCode::kClosed) << outcome.status;
  EXPECT_FALSE(posix_.Exists(LogPath()));
}

TEST_F(RacesTest, AReadThatRetentionOvertookIsOutOfRange) {
  OpenNew();
  PutMany(4, {.value_size = 3000});
  dir_->Tick();
  dir_->Tick();  // Descriptors of sealed segments are given back.
  const int64_t opens = disk_.calls(DiskCall::kOpen);
  disk_.Hold(DiskCall::kOpen);
  ReadOutcome outcome;
  WatchedThread reader([&] { outcome = ReadAt(1); });
  AwaitCalls(DiskCall::kOpen, opens + 1);
  options_.retention_bytes = 0;
  log_->SetOptions(options_);
  dir_->Tick();
  ASSERT_EQ(log_->start().value(), 3);
  disk_.Release(DiskCall::kOpen);
  reader.Join();
  EXPECT_EQ(outcome.code, ReadCode::kOffsetOutOfRange) << outcome.status;
}

}  // namespace
}  // namespace sluice::storage
