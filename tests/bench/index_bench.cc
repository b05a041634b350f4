// What the offset index costs: a key written in a batch, a lookup among many entries, opening.
//
//   sluice_index_bench [entries, default 10000000] [logs, default 100] [cache MiB, default 32]
//
// Prints one line a figure. Entries are as a log with index.interval.bytes=4096 writes them: 64 to a batch,
// the logs taking turns.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "proto/base/check.h"
#include "proto/base/random.h"
#include "storage/index/rocks_offset_index.h"
#include "tests/support/temp_dir.h"

namespace sluice::storage {
namespace {

constexpr int64_t kBatch = 64;
constexpr int64_t kRecordsPerEntry = 40;
constexpr int64_t kEntriesPerSegment = 262'144;  // 1 GiB of log.
constexpr int kLookups = 200'000;

struct Size {
  int64_t entries = 10'000'000;
  int32_t logs = 100;
  uint64_t cache_bytes = 32ull << 20;
  int64_t EntriesPerLog() const { return entries / logs; }
};

double Seconds(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
}

LogId LogNumber(int32_t number) {
  LogId log;
  log.topic_id.bytes.fill(static_cast<uint8_t>(number * 37 + 1));
  log.partition = PartitionId(number);
  return log;
}

IndexUpdate BatchFrom(int64_t first) {
  IndexUpdate update;
  for (int64_t i = first; i < first + kBatch; ++i) {
    const Offset offset(i * kRecordsPerEntry);
    const Offset base(i / kEntriesPerSegment * kEntriesPerSegment * kRecordsPerEntry);
    update.offsets.push_back({.offset = offset,
                              .segment_base = base,
                              .position = static_cast<uint64_t>(i % kEntriesPerSegment * 4096)});
    update.times.push_back({.timestamp_ms = 1'700'000'000'000 + i, .offset = offset});
  }
  return update;
}

void Write(OffsetIndex& index, const Size& size) {
  std::vector<double> batch_us;
  const auto start = std::chrono::steady_clock::now();
  for (int64_t first = 0; first + kBatch <= size.EntriesPerLog(); first += kBatch) {
    for (int32_t log = 0; log < size.logs; ++log) {
      const IndexUpdate update = BatchFrom(first);
      const auto begin = std::chrono::steady_clock::now();
      CHECK_OK(index.Write(LogNumber(log), update));
      batch_us.push_back(Seconds(begin) * 1e6);
    }
  }
  const double seconds = Seconds(start);
  const double keys = 2.0 * kBatch * static_cast<double>(batch_us.size());
  std::sort(batch_us.begin(), batch_us.end());
  std::printf("write: %.2f us/key (batches of %lld keys: p50 %.0f us, p99 %.0f us), %.0f keys in %.1f s\n",
              seconds / keys * 1e6, static_cast<long long>(2 * kBatch), batch_us[batch_us.size() / 2],
              batch_us[batch_us.size() * 99 / 100], keys, seconds);
}

// Calls `look_up(i)` many times and prints how long one took.
template <class LookUp>
void Measure(const char* what, LookUp look_up) {
  std::vector<double> us;
  for (int i = 0; i < kLookups; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    look_up(i);
    us.push_back(Seconds(begin) * 1e6);
  }
  std::sort(us.begin(), us.end());
  std::printf("%s: p50 %.1f us, p99 %.1f us, p99.9 %.1f us\n", what, us[us.size() / 2],
              us[us.size() * 99 / 100], us[us.size() * 999 / 1000]);
}

void LookUp(OffsetIndex& index, const Size& size) {
  Random random(42);
  const int64_t records = size.EntriesPerLog() / kBatch * kBatch * kRecordsPerEntry;
  const auto random_log = [&] {
    return LogNumber(static_cast<int32_t>(random.Below(static_cast<uint64_t>(size.logs))));
  };
  const auto random_record = [&] {
    return static_cast<int64_t>(random.Below(static_cast<uint64_t>(records)));
  };
  Measure("find offset, anywhere", [&](int) {
    const int64_t record = random_record();
    const auto found = index.FindOffset(random_log(), Offset(record));
    CHECK_OK(found.status());
    CHECK(found->has_value());
    CHECK_EQ((*found)->offset.value(), record / kRecordsPerEntry * kRecordsPerEntry);
  });
  Measure("find offset, one log, rising", [&](int i) {
    const auto found = index.FindOffset(LogNumber(0), Offset(int64_t{i} * kRecordsPerEntry % records));
    CHECK_OK(found.status());
    CHECK(found->has_value());
  });
  Measure("find time, anywhere", [&](int) {
    const int64_t entry = random_record() / kRecordsPerEntry;
    const auto found = index.FindTime(random_log(), 1'700'000'000'000 + entry);
    CHECK_OK(found.status());
    CHECK_EQ(found->at_or_after->offset.value(), entry * kRecordsPerEntry);
  });
}

uint64_t BytesIn(const std::string& folder) {
  uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    bytes += entry.is_regular_file() ? entry.file_size() : 0;
  }
  return bytes;
}

double ResidentMiBMax() {
  rusage usage{};
  CHECK_EQ(getrusage(RUSAGE_SELF, &usage), 0);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

void Run(const Size& size) {
  const TempDir dir;
  const OffsetIndex::Options options{.path = dir / "index", .cache_bytes = size.cache_bytes};
  auto index = RocksOffsetIndex::Open(options);
  CHECK_OK(index.status());
  Write(**index, size);
  LookUp(**index, size);
  const auto compacting = std::chrono::steady_clock::now();
  CHECK_OK((*index)->Compact());
  std::printf("compaction: %.1f s, then %.1f MiB on disk\n", Seconds(compacting),
              static_cast<double>(BytesIn(options.path)) / (1 << 20));
  LookUp(**index, size);
  index->reset();
  const auto opening = std::chrono::steady_clock::now();
  index = RocksOffsetIndex::Open(options);
  CHECK_OK(index.status());
  std::printf("open: %.1f ms; %.0f MiB resident at the most\n", Seconds(opening) * 1e3, ResidentMiBMax());
}

}  // namespace
}  // namespace sluice::storage

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // A run takes minutes: each figure is shown when it is there.
  sluice::storage::Size size;
  size.entries = argc > 1 ? std::atoll(argv[1]) : size.entries;
  size.logs = argc > 2 ? std::atoi(argv[2]) : size.logs;
  size.cache_bytes = argc > 3 ? std::strtoull(argv[3], nullptr, 10) << 20 : size.cache_bytes;
  sluice::storage::Run(size);
}
