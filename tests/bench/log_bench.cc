// What appending to a log and reading it back costs. Run it on a disk (TMPDIR), not on tmpfs, and alone:
//
//   build/release/bin/sluice_log_bench --benchmark_repetitions=5 --benchmark_enable_random_interleaving=true
#include <memory>

#include "benchmark/benchmark.h"
#include "proto/base/check.h"
#include "proto/base/lock_checks.h"
#include "proto/record/batch_builder.h"
#include "storage/disk/posix_disk.h"
#include "storage/log/log_dir.h"
#include "tests/support/temp_dir.h"
#include "tests/support/thread_pool.h"

namespace sluice::storage {
namespace {

class BenchLog {
 public:
  explicit BenchLog(AppendMethod method, Durability durability = Durability::kPageCache) {
    LogDirOptions options;
    options.path = temp_ / "data";
    options.maintenance_interval_ms = 50;  // Often enough for retention to keep up.
    auto dir = LogDir::Open(options, Uuid{{1}}, {disk_, Clock::System(), pool_, nullptr});
    CHECK_OK(dir.status());
    dir_ = *std::move(dir);
    LogOptions log_options;
    log_options.segment_bytes = 256 << 20;
    log_options.retention_bytes = 1 << 30;
    log_options.retention_ms = -1;
    log_options.file_delete_delay_ms = 0;
    log_options.append_method = method;
    log_options.durability = durability;
    auto log = dir_->Create({"bench", LogId{Uuid{{2}}, PartitionId(0)}}, log_options);
    CHECK_OK(log.status());
    log_ = *std::move(log);
  }

  AppendOutcome Append(const record::BatchView& batch) {
    const AppendContext context{.leader_epoch = LeaderEpoch(0), .now_ms = 1'700'000'000'000};
    AppendOutcome outcome = log_->TryAppend(batch, context);
    if (outcome.code == AppendCode::kWouldBlock) {
      ++blocked_;
      outcome = log_->Append(batch, context);
    }
    CHECK(outcome.code == AppendCode::kOk);
    return outcome;
  }
  Log& log() { return *log_; }
  int64_t blocked() const { return blocked_; }

 private:
  TempDir temp_;
  PosixDisk disk_;
  ThreadPool pool_{2};
  std::unique_ptr<LogDir> dir_;
  std::shared_ptr<Log> log_;
  int64_t blocked_ = 0;
};

Bytes MakeBatch(size_t size) {
  record::BatchBuilder builder;
  const Bytes value(size - 80, std::byte{'v'});
  CHECK_OK(builder.Append(1'700'000'000'000, std::nullopt, ByteView(value)));
  return ToBytes(*builder.Build());
}

void BM_Append(benchmark::State& state) {
  BenchLog log(state.range(1) == 0 ? AppendMethod::kMmap : AppendMethod::kPwrite);
  const Bytes bytes = MakeBatch(static_cast<size_t>(state.range(0)));
  const record::BatchView batch(bytes);
  for (auto _ : state) {
    benchmark::DoNotOptimize(log.Append(batch));
  }
  state.SetBytesProcessed(static_cast<int64_t>(bytes.size()) * state.iterations());
  state.counters["blocked"] = static_cast<double>(log.blocked());
}
BENCHMARK(BM_Append)
    ->ArgNames({"bytes", "pwrite"})
    ->ArgsProduct({{1 << 10, 16 << 10, 256 << 10}, {0, 1}})
    ->UseRealTime();

// One appender that waits for the disk after each batch.
void BM_AppendDurable(benchmark::State& state) {
  BenchLog log(state.range(1) == 0 ? AppendMethod::kMmap : AppendMethod::kPwrite, Durability::kSynced);
  absl::Mutex mu;
  log.log().SetListener([&mu] { absl::MutexLock wake(&mu); });
  const Bytes bytes = MakeBatch(static_cast<size_t>(state.range(0)));
  const record::BatchView batch(bytes);
  for (auto _ : state) {
    const Offset end = log.Append(batch).next_offset;
    const auto durable = [&] { return log.log().durable_end() >= end; };
    absl::MutexLock lock(&mu);
    mu.Await(absl::Condition(&durable));
  }
  state.SetBytesProcessed(static_cast<int64_t>(bytes.size()) * state.iterations());
}
BENCHMARK(BM_AppendDurable)
    ->ArgNames({"bytes", "pwrite"})
    ->ArgsProduct({{4 << 10, 256 << 10}, {0, 1}})
    ->UseRealTime();

// A consumer reads on from where it was: ranges only, no byte is touched.
void BM_ReadWithCursor(benchmark::State& state) {
  BenchLog log(AppendMethod::kMmap);
  const Bytes bytes = MakeBatch(4 << 10);
  for (int i = 0; i < 30'000; ++i) {
    log.Append(record::BatchView(bytes));
  }
  ReadCursor cursor;
  Offset offset{0};
  for (auto _ : state) {
    const ReadOutcome outcome = log.log().Read({.offset = offset,
                                                .limit = log.log().end(),
                                                .max_bytes = static_cast<uint64_t>(state.range(0)),
                                                .at_least_one_batch = true},
                                               &cursor);
    CHECK(outcome.code == ReadCode::kOk);
    offset = cursor.next_offset == log.log().end() ? Offset(0) : cursor.next_offset;
  }
}
BENCHMARK(BM_ReadWithCursor)->Arg(64 << 10)->Arg(1 << 20);

// A consumer that begins somewhere: the index, then a walk over headers.
void BM_ReadAnywhere(benchmark::State& state) {
  BenchLog log(AppendMethod::kMmap);
  const Bytes bytes = MakeBatch(1 << 10);
  for (int i = 0; i < 100'000; ++i) {
    log.Append(record::BatchView(bytes));
  }
  int64_t offset = 0;
  for (auto _ : state) {
    offset = (offset + 7919) % 100'000;
    const ReadOutcome outcome = log.log().Read({.offset = Offset(offset),
                                                .limit = log.log().end(),
                                                .max_bytes = 64 << 10,
                                                .at_least_one_batch = true},
                                               nullptr);
    CHECK(outcome.code == ReadCode::kOk);
  }
}
BENCHMARK(BM_ReadAnywhere);

// From an unclean end to a log dir that takes appends: does it depend on how much it holds?
void BM_ReopenAfterCrash(benchmark::State& state) {
  TempDir temp;
  PosixDisk disk;
  ThreadPool pool(2);
  LogDirOptions options;
  options.path = temp / "data";
  const auto open = [&] {
    auto dir = LogDir::Open(options, Uuid{{1}}, {disk, Clock::System(), pool, nullptr});
    CHECK_OK(dir.status());
    return *std::move(dir);
  };
  LogOptions log_options;
  log_options.durability = Durability::kPageCache;
  log_options.retention_ms = -1;
  std::unique_ptr<LogDir> dir = open();
  const auto log = dir->Create({"bench", LogId{Uuid{{2}}, PartitionId(0)}}, log_options);
  CHECK_OK(log.status());
  const Bytes bytes = MakeBatch(16 << 10);
  for (int64_t written = 0; written < state.range(0) << 20; written += static_cast<int64_t>(bytes.size())) {
    CHECK((*log)->Append(record::BatchView(bytes), {.leader_epoch = LeaderEpoch(0), .now_ms = 1}).code ==
          AppendCode::kOk);
  }
  for (auto _ : state) {
    state.PauseTiming();
    dir.reset();
    state.ResumeTiming();
    dir = open();
  }
  state.counters["walked_MiB"] = static_cast<double>(dir->stats().recovered_bytes >> 20);
}
BENCHMARK(BM_ReopenAfterCrash)
    ->ArgName("MiB")
    ->Arg(100)
    ->Arg(4000)
    ->Iterations(1)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sluice::storage

int main(int argc, char** argv) {
  sluice::LeaveOutLockChecks();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    return 1;
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
