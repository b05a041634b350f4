// What an acknowledgement costs that waits for the disk: the journal beside a sync of each segment, with both
// ways to append, in one interleaved run.
//
//   sluice_durability_bench DIR [SECONDS] [ROUNDS] [PARTITIONS,...] [BYTES,...] [DESIGNS]
//
// 16 writers append batches of one record to partitions at random and wait for each to be durable. Printed
// are medians over the rounds: acknowledgements a second, their latency, bytes that reached the block device
// for each byte appended (until all segments are written as well), and CPU time. DESIGNS: so many of them,
// from the first on. Each round goes through all partitions, bytes and designs.
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "proto/base/check.h"
#include "proto/base/clock.h"
#include "proto/base/lock_checks.h"
#include "proto/base/random.h"
#include "proto/record/batch_builder.h"
#include "storage/disk/posix_disk.h"
#include "storage/log/log_dir.h"
#include "tests/support/thread_pool.h"

namespace sluice::storage {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kWriters = 16;

struct Design {
  const char* name;
  AppendMethod append;
  bool journal;
  int64_t map_from_bytes = 0;
};
constexpr Design kDesigns[] = {{"the default", AppendMethod::kMmap, true, 1 << 20},
                               {"mmap + journal", AppendMethod::kMmap, true},
                               {"pwrite + journal", AppendMethod::kPwrite, true},
                               {"mmap + segment sync", AppendMethod::kMmap, false},
                               {"pwrite + segment sync", AppendMethod::kPwrite, false}};

struct Load {
  std::string directory;
  double seconds = 2;
  int partitions = 1;
  size_t batch_bytes = 4096;
};

struct Figures {
  double acks_per_second = 0;
  double p50_us = 0;
  double p99_us = 0;
  double device_ratio = 0;
  double cpu_us = 0;
};

// Bytes written to the block device that holds `path` since the machine started.
uint64_t DeviceBytes(const std::string& path) {
  struct stat info;
  CHECK_EQ(::stat(path.c_str(), &info), 0);
  std::ifstream in(absl::StrCat("/sys/dev/block/", major(info.st_dev), ":", minor(info.st_dev), "/stat"));
  uint64_t field = 0;
  for (int i = 0; i < 7; ++i) {
    in >> field;
  }
  return field * 512;
}

double CpuSeconds() {
  rusage usage;
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Stamped with the time of day: the log's retention, which is the default, would drop what is older.
Bytes MakeBatch(size_t size, Random& random) {
  record::BatchBuilder builder;
  Bytes value(size - 80);
  for (std::byte& byte : value) {
    byte = static_cast<std::byte>(random.Next());
  }
  CHECK_OK(builder.Append(Clock::System().NowMs(), std::nullopt, ByteView(value)));
  return ToBytes(*builder.Build());
}

// One partition and who waits for it.
struct Part {
  std::shared_ptr<Log> log;
  absl::Mutex mu;

  void AwaitDurable(Offset offset) {
    absl::MutexLock lock(&mu);
    const auto durable = [this, offset] { return log->durable_end() >= offset; };
    mu.Await(absl::Condition(&durable));
  }
};

class Run {
 public:
  Run(const Load& load, const Design& design) : load_(load) {
    Random random(1);
    LogDirOptions options{.path = load.directory};
    options.journal.enabled = design.journal;
    auto dir = LogDir::Open(options, Uuid::Generate(random),
                            {.disk = disk_, .clock = Clock::System(), .pool = pool_, .on_fatal = {}});
    CHECK_OK(dir.status());
    dir_ = *std::move(dir);
    for (int i = 0; i < load.partitions; ++i) {
      LogOptions log_options{.append_method = design.append, .map_from_bytes = design.map_from_bytes};
      auto log = dir_->Create({"load", {Uuid::Generate(random), PartitionId(i)}}, log_options);
      CHECK_OK(log.status());
      parts_.push_back(std::make_unique<Part>());
      parts_.back()->log = *std::move(log);
      parts_.back()->log->SetListener([part = parts_.back().get()] { absl::MutexLock lock(&part->mu); });
    }
    WarmUp(design.journal ? static_cast<uint64_t>(options.journal.bytes) : 0);
    ::sync();
  }

  Figures Measure() {
    const uint64_t device_before = DeviceBytes(load_.directory);
    const double cpu_before = CpuSeconds();
    const auto start = SteadyClock::now();
    std::vector<std::vector<double>> latencies(kWriters);
    std::vector<std::thread> writers;
    for (int i = 0; i < kWriters; ++i) {
      writers.emplace_back(
          [this, i, &latencies] { Write(static_cast<uint64_t>(i), &latencies[static_cast<size_t>(i)]); });
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(load_.seconds));
    stop_ = true;
    for (std::thread& writer : writers) {
      writer.join();
    }
    const double seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
    const double cpu = CpuSeconds() - cpu_before;
    CHECK_OK(dir_->Close());
    ::sync();
    return Summarise(latencies, seconds, cpu, DeviceBytes(load_.directory) - device_before);
  }

 private:
  // So that what is measured is neither the first extent of a partition, nor its first page, nor the making
  // of the journal's files, which are written once before they are used.
  void WarmUp(uint64_t bytes_min) {
    Random random(7);
    const Bytes batch = MakeBatch(load_.batch_bytes, random);
    const size_t round = std::max<size_t>(parts_.size(), 256);
    const size_t appends_min = std::max(20 * parts_.size(), bytes_min / batch.size());
    for (size_t appends = 0; appends < appends_min; appends += round) {
      for (size_t i = 0; i < round; ++i) {
        Log& log = *parts_[i % parts_.size()]->log;
        CHECK(log.Append(record::BatchView(batch), {.now_ms = Clock::System().NowMs()}).code ==
              AppendCode::kOk);
      }
      for (const auto& part : parts_) {
        part->AwaitDurable(part->log->end());
      }
    }
  }

  void Write(uint64_t seed, std::vector<double>* latencies) {
    Random random(seed + 1);
    const Bytes batch = MakeBatch(load_.batch_bytes, random);
    const int64_t now_ms = Clock::System().NowMs();
    while (!stop_) {
      Part& part = *parts_[random.Below(parts_.size())];
      const auto start = SteadyClock::now();
      const AppendOutcome outcome = part.log->Append(record::BatchView(batch), {.now_ms = now_ms});
      CHECK(outcome.code == AppendCode::kOk);
      part.AwaitDurable(outcome.next_offset);
      latencies->push_back(std::chrono::duration<double, std::micro>(SteadyClock::now() - start).count());
    }
  }

  Figures Summarise(const std::vector<std::vector<double>>& latencies, double seconds, double cpu,
                    uint64_t device_bytes) const {
    std::vector<double> all;
    for (const std::vector<double>& some : latencies) {
      all.insert(all.end(), some.begin(), some.end());
    }
    std::sort(all.begin(), all.end());
    const auto count = static_cast<double>(all.size());
    return {
        .acks_per_second = count / seconds,
        .p50_us = all[all.size() / 2],
        .p99_us = all[all.size() * 99 / 100],
        .device_ratio = static_cast<double>(device_bytes) / (count * static_cast<double>(load_.batch_bytes)),
        .cpu_us = 1e6 * cpu / count};
  }

  const Load load_;
  PosixDisk disk_;
  ThreadPool pool_{2};
  std::vector<std::unique_ptr<Part>> parts_;  // Told by the dir's threads until it is gone.
  std::unique_ptr<LogDir> dir_;
  std::atomic<bool> stop_{false};
};

Figures Median(std::vector<Figures> rounds) {
  const auto median = [&rounds](double Figures::*field) {
    std::vector<double> values;
    for (const Figures& round : rounds) {
      values.push_back(round.*field);
    }
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
  };
  return {median(&Figures::acks_per_second), median(&Figures::p50_us), median(&Figures::p99_us),
          median(&Figures::device_ratio), median(&Figures::cpu_us)};
}

struct Cell {
  Load load;
  Design design;
  std::vector<Figures> rounds;
};

// What is compared is measured in turn: the machine drifts.
void MeasureAll(std::vector<Cell>* cells, int rounds) {
  PosixDisk disk;
  for (int round = 0; round < rounds; ++round) {
    for (Cell& cell : *cells) {
      cell.rounds.push_back(Run(cell.load, cell.design).Measure());
      CHECK_OK(disk.RemoveTree(cell.load.directory));
      ::sync();
    }
  }
}

void Print(const Cell& cell) {
  const Figures figures = Median(cell.rounds);
  std::printf("%6d %6zu  %-22s %8.0f %7.0f %8.0f %8.2f %8.1f\n", cell.load.partitions, cell.load.batch_bytes,
              cell.design.name, figures.acks_per_second, figures.p50_us, figures.p99_us, figures.device_ratio,
              figures.cpu_us);
}

std::vector<int> Numbers(const char* text) {
  std::vector<int> numbers;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    int number;
    CHECK(absl::SimpleAtoi(part, &number));
    numbers.push_back(number);
  }
  return numbers;
}

}  // namespace
}  // namespace sluice::storage

int main(int argc, char** argv) {
  sluice::LeaveOutLockChecks();
  using namespace sluice::storage;
  if (argc < 2) {
    std::cerr
        << "usage: sluice_durability_bench DIR [SECONDS] [ROUNDS] [PARTITIONS,...] [BYTES,...] [DESIGNS]\n";
    return 2;
  }
  const std::string directory = absl::StrCat(argv[1], "/durability-bench");
  const double seconds = argc > 2 ? std::atof(argv[2]) : 2;
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 3;
  const size_t designs = argc > 6 ? static_cast<size_t>(Numbers(argv[6])[0]) : std::size(kDesigns);
  std::vector<Cell> cells;
  for (const int partitions : Numbers(argc > 4 ? argv[4] : "1,16,1000")) {
    for (const int bytes : Numbers(argc > 5 ? argv[5] : "1024,4096,16384,65536")) {
      for (size_t i = 0; i < std::min(designs, std::size(kDesigns)); ++i) {
        cells.push_back({{directory, seconds, partitions, static_cast<size_t>(bytes)}, kDesigns[i], {}});
      }
    }
  }
  MeasureAll(&cells, rounds);
  std::printf("%6s %6s  %-22s %8s %7s %8s %8s %8s\n", "parts", "bytes", "design", "acks/s", "p50 us",
              "p99 us", "device x", "cpu us");
  for (const Cell& cell : cells) {
    Print(cell);
  }
  return 0;
}
