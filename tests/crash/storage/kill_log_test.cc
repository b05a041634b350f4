// kill -9 at a moment of chance: what was acknowledged is there afterwards, and nothing but whole batches.
//
// The parent forks a writer, reads its acknowledgements from a pipe, kills it after some number of them, then
// forks a verifier that opens the same log dir and looks for every batch ever acknowledged. The parent itself
// opens nothing, so that it has no threads when it forks.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "gtest/gtest.h"
#include "proto/base/check.h"
#include "proto/base/random.h"
#include "proto/record/batch_builder.h"
#include "storage/disk/posix_disk.h"
#include "storage/log/log_dir.h"
#include "tests/support/temp_dir.h"
#include "tests/support/thread_pool.h"

namespace sluice::storage {
namespace {

constexpr int kRounds = 12;
constexpr int kPartitions = 4;
// The last partition acknowledges what is in the page cache, which outlives the process too.
constexpr int kPageCachePartition = kPartitions - 1;

// What a writer tells its parent, in one atomic write to the pipe.
struct Ack {
  int32_t partition = 0;
  int32_t records = 0;
  int64_t base_offset = 0;
  uint64_t size_bytes = 0;
  uint32_t crc = 0;
};

LogId IdOf(int partition) {
  LogId id;
  id.topic_id.bytes[0] = 7;
  id.partition = PartitionId(partition);
  return id;
}

LogOptions OptionsOf(int partition) {
  LogOptions options;
  options.segment_bytes = 1 << 20;
  options.durability = partition == kPageCachePartition ? Durability::kPageCache : Durability::kSynced;
  options.append_method = partition % 2 == 0 ? AppendMethod::kMmap : AppendMethod::kPwrite;
  options.retention_ms = -1;
  return options;
}

std::unique_ptr<LogDir> OpenDir(const std::string& path, Disk& disk, Executor& pool) {
  LogDirOptions options;
  options.path = path;
  options.checkpoint_interval_bytes = 700 << 10;
  options.maintenance_interval_ms = 5;
  Uuid cluster;
  cluster.bytes[0] = 1;
  auto dir = LogDir::Open(options, cluster,
                          {disk, Clock::System(), pool, [](absl::Status status) { CHECK_OK(status); }});
  CHECK_OK(dir.status());
  for (int p = 0; p < kPartitions; ++p) {
    if (Log* const log = (*dir)->Find(IdOf(p))) {
      log->SetOptions(OptionsOf(p));
    } else {
      CHECK_OK((*dir)->Create({"orders", IdOf(p)}, OptionsOf(p)).status());
    }
  }
  return *std::move(dir);
}

Bytes MakeBatch(Random& random) {
  record::BatchBuilder builder;
  const auto records = 1 + random.Below(3);
  for (uint64_t i = 0; i < records; ++i) {
    Bytes value(random.Below(random.Below(10) == 0 ? 60'000 : 1'500));
    for (std::byte& byte : value) {
      byte = static_cast<std::byte>(random.Below(256));
    }
    CHECK_OK(builder.Append(1, std::nullopt, ByteView(value)));
  }
  return ToBytes(*builder.Build());
}

// Appends to one log and reports each batch once it is readable.
void Write(LogDir& dir, int partition, uint64_t seed, int pipe) {
  Log& log = *dir.Find(IdOf(partition));
  Random random(seed);
  absl::Mutex mu;
  log.SetListener([&mu] { absl::MutexLock wake(&mu); });
  while (true) {
    const Bytes bytes = MakeBatch(random);
    const record::BatchView batch(bytes);
    const AppendOutcome outcome = log.Append(batch, {.leader_epoch = LeaderEpoch(0), .now_ms = 1});
    CHECK(outcome.code == AppendCode::kOk);
    {
      absl::MutexLock lock(&mu);
      const auto readable = [&] { return log.readable_end() >= outcome.next_offset; };
      mu.Await(absl::Condition(&readable));
    }
    const Ack ack{partition, batch.record_count(), outcome.base_offset.value(), batch.size_bytes(),
                  batch.crc()};
    CHECK_EQ(::write(pipe, &ack, sizeof(ack)), static_cast<ssize_t>(sizeof(ack)));
  }
}

[[noreturn]] void RunWriter(const std::string& path, uint64_t seed, int pipe) {
  PosixDisk disk;
  ThreadPool pool(2);
  const std::unique_ptr<LogDir> dir = OpenDir(path, disk, pool);
  std::vector<std::thread> threads;
  for (int p = 0; p < kPartitions; ++p) {
    threads.emplace_back([&, p] { Write(*dir, p, seed * 100 + static_cast<uint64_t>(p), pipe); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  ::_exit(1);
}

// Base offset -> batch, of everything in the log. Every byte of it must be a whole, valid, following batch.
std::map<int64_t, Ack> ReadLog(Log& log, int partition) {
  std::map<int64_t, Ack> found;
  ReadCursor cursor;
  Offset offset = log.start();
  while (offset < log.end()) {
    const ReadOutcome outcome = log.Read(
        {.offset = offset, .limit = log.end(), .max_bytes = 1 << 20, .at_least_one_batch = true}, &cursor);
    CHECK(outcome.code == ReadCode::kOk);
    Bytes bytes(outcome.range.size);
    CHECK_EQ(::pread(outcome.range.file->fd(), bytes.data(), bytes.size(),
                     static_cast<off_t>(outcome.range.position)),
             static_cast<ssize_t>(bytes.size()));
    for (ByteView rest = bytes; !rest.empty();) {
      const record::BatchParse parse = record::ParseBatch(rest);
      CHECK(parse.ok() && record::CrcMatches(parse.batch));
      CHECK_EQ(parse.batch.base_offset(), offset);
      found[offset.value()] = {partition, parse.batch.record_count(), offset.value(),
                               parse.batch.size_bytes(), parse.batch.crc()};
      offset = parse.batch.next_offset();
      rest = rest.subspan(parse.batch.size_bytes());
    }
  }
  CHECK_EQ(offset, log.end());
  return found;
}

// Exits with the number of batches that are lost or changed, at most 100.
[[noreturn]] void RunVerifier(const std::string& path, const std::vector<Ack>& acks) {
  PosixDisk disk;
  ThreadPool pool(2);
  const std::unique_ptr<LogDir> dir = OpenDir(path, disk, pool);
  std::vector<std::map<int64_t, Ack>> found;
  for (int p = 0; p < kPartitions; ++p) {
    found.push_back(ReadLog(*dir->Find(IdOf(p)), p));
  }
  const auto is_lost = [&found](const Ack& ack) {
    const auto& log = found[static_cast<size_t>(ack.partition)];
    const auto batch = log.find(ack.base_offset);
    return batch == log.end() || batch->second.crc != ack.crc || batch->second.size_bytes != ack.size_bytes;
  };
  ::_exit(static_cast<int>(std::min<std::ptrdiff_t>(100, std::count_if(acks.begin(), acks.end(), is_lost))));
}

class Child {
 public:
  template <class Function>
  explicit Child(Function run) : pid_(::fork()) {
    CHECK_GE(pid_, 0);
    if (pid_ == 0) {
      run();
    }
  }
  void Kill() { ::kill(pid_, SIGKILL); }
  int Wait() {
    int status = 0;
    CHECK_EQ(::waitpid(pid_, &status, 0), pid_);
    return status;
  }

 private:
  const pid_t pid_;
};

void WriteAndKill(const std::string& path, uint64_t seed, uint64_t acks_wanted, std::vector<Ack>* acks) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  Child writer([&] { RunWriter(path, seed, pipe[1]); });
  ::close(pipe[1]);
  Ack ack;
  for (uint64_t i = 0; ::read(pipe[0], &ack, sizeof(ack)) == static_cast<ssize_t>(sizeof(ack)); ++i) {
    acks->push_back(ack);
    if (i == acks_wanted) {
      writer.Kill();  // What is in the pipe was acknowledged too: read on to its end.
    }
  }
  ::close(pipe[0]);
  const int status = writer.Wait();
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "the writer failed by itself";
}

TEST(KillLogTest, EveryAcknowledgedBatchSurvivesKillsAtAnyMoment) {
  TempDir temp;
  Random random = Random::FromSystem();
  const uint64_t seed = random.Next();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  Random moments(seed);
  std::vector<Ack> acks;
  for (int round = 0; round < kRounds; ++round) {
    ASSERT_NO_FATAL_FAILURE(
        WriteAndKill(temp / "data", seed + static_cast<uint64_t>(round), moments.Below(800), &acks));
    Child verifier([&] { RunVerifier(temp / "data", acks); });
    const int status = verifier.Wait();
    ASSERT_TRUE(WIFEXITED(status)) << "the log dir does not open, round " << round;
    ASSERT_EQ(WEXITSTATUS(status), 0) << "batches lost, of " << acks.size() << ", round " << round;
  }
}

}  // namespace
}  // namespace sluice::storage
