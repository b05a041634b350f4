// What compacting one large log costs: records a second, memory, bytes; and whether what is left is what must
// be left, by a table of its own. Run it on a disk (TMPDIR), not on tmpfs, and alone:
//
//   build/release/bin/sluice_compaction_bench records=10000000 keys=1000000 value=100 codec=none map_mib=128
#include <sys/resource.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "proto/base/check.h"
#include "proto/base/lock_checks.h"
#include "proto/base/random.h"
#include "proto/record/batch_builder.h"
#include "proto/record/record_iterator.h"
#include "storage/disk/posix_disk.h"
#include "storage/log/log_dir.h"
#include "tests/support/temp_dir.h"
#include "tests/support/thread_pool.h"

namespace sluice::storage {
namespace {

struct Settings {
  int64_t records = 10'000'000;
  int64_t keys = 1'000'000;
  int64_t value = 100;
  int64_t batch = 100;
  int64_t map_mib = 128;
  int64_t segment_mib = 256;
  record::Codec codec = record::Codec::kNone;
};

Settings Parse(int argc, char** argv) {
  Settings settings;
  const std::map<std::string, int64_t*> numbers = {
      {"records", &settings.records}, {"keys", &settings.keys},       {"value", &settings.value},
      {"batch", &settings.batch},     {"map_mib", &settings.map_mib}, {"segment_mib", &settings.segment_mib}};
  for (int i = 1; i < argc; ++i) {
    const std::vector<std::string> parts = absl::StrSplit(argv[i], absl::MaxSplits('=', 1));
    CHECK_EQ(parts.size(), 2u);
    if (parts[0] == "codec") {
      settings.codec = record::ParseCodec(parts[1]).value();
      continue;
    }
    CHECK(numbers.contains(parts[0]) && absl::SimpleAtoi(parts[1], numbers.at(parts[0])));
  }
  return settings;
}

// "VmHWM", "RssAnon": MiB.
double MemoryMib(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name + ":")) {
      return std::stod(line.substr(name.size() + 1)) / 1024;
    }
  }
  return -1;
}

// VmHWM counts from here on.
void ResetPeak() {
  std::ofstream("/proc/self/clear_refs") << "5";
}

double CpuSeconds() {
  rusage usage;
  CHECK_EQ(::getrusage(RUSAGE_SELF, &usage), 0);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

class Bench {
 public:
  explicit Bench(const Settings& settings)
      : settings_(settings), newest_(static_cast<size_t>(settings.keys), -1) {
    LogDirOptions options;
    options.path = temp_ / "data";
    options.maintenance_interval_ms = 0;
    options.cleaner.map_bytes = static_cast<uint64_t>(settings.map_mib) << 20;
    auto dir = LogDir::Open(options, Uuid{{1}},
                            {.disk = disk_,
                             .clock = Clock::System(),
                             .pool = pool_,
                             .on_warning = [](const std::string& warning) { std::puts(warning.c_str()); }});
    CHECK_OK(dir.status());
    dir_ = *std::move(dir);
    log_options_.segment_bytes = settings.segment_mib << 20;
    log_options_.file_delete_delay_ms = 0;
    log_options_.append_method = AppendMethod::kPwrite;  // No maps: memory is the compaction's then.
    log_options_.durability = Durability::kPageCache;
    log_options_.cleanup_compact = true;
    log_options_.cleanup_delete = false;
    auto log = dir_->Create({"bench", LogId{Uuid{{2}}, PartitionId(0)}}, log_options_);
    CHECK_OK(log.status());
    log_ = *std::move(log);
  }

  void Fill() {
    Random random(1);
    std::string value(static_cast<size_t>(settings_.value), 'v');
    record::BatchBuilder builder({.codec = settings_.codec});
    for (int64_t offset = 0; offset < settings_.records; ++offset) {
      const auto key = random.Below(static_cast<uint64_t>(settings_.keys));
      newest_[key] = offset;
      Random noise(key ^ static_cast<uint64_t>(offset) << 20);
      for (size_t i = 0; i + 8 <= value.size(); i += 16) {  // Half of it compresses.
        const uint64_t word = noise.Next();
        std::memcpy(value.data() + i, &word, 8);
      }
      CHECK_OK(builder.Append(1'700'000'000'000 + offset / 1000, AsBytes(KeyOf(key)), AsBytes(value)));
      if (builder.record_count() == settings_.batch || offset + 1 == settings_.records) {
        AppendBatch(*builder.Build());
        builder.Reset();
      }
    }
    // The active segment is never compacted: one more record, in a segment of its own.
    LogOptions rolling = log_options_;
    rolling.segment_ms = 1;
    log_->SetOptions(rolling);
    CHECK_OK(builder.Append(1'800'000'000'000, AsBytes("the last"), AsBytes("one")));
    now_ms_ += 1000;
    AppendBatch(*builder.Build());
    log_->SetOptions(log_options_);
    log_->RequestSync();
    while (log_->durable_end() < log_->end()) {
      absl::SleepFor(absl::Milliseconds(10));
    }
  }

  void Compact(const char* what) {
    const uint64_t before = log_->size_bytes();
    const double rss_before = MemoryMib("VmRSS");
    ResetPeak();
    const double cpu = CpuSeconds();
    const absl::Time begin = absl::Now();
    const size_t logs = dir_->CompactDue();
    const double seconds = absl::ToDoubleSeconds(absl::Now() - begin);
    const CleanerStats stats = dir_->stats().cleaner;
    std::printf(
        "%s: %zu log, %.2f s, %.2f s CPU, %.0f records/s, %.1f -> %.1f MB, %llu records removed, "
        "RSS %.1f MiB before, %.1f MiB peak\n",
        what, logs, seconds, CpuSeconds() - cpu, static_cast<double>(settings_.records) / seconds,
        static_cast<double>(before) / 1e6, static_cast<double>(log_->size_bytes()) / 1e6,
        static_cast<unsigned long long>(stats.records_removed), rss_before, MemoryMib("VmHWM"));
    CHECK_EQ(stats.failures, 0u);
  }

  // Reads as a consumer does, and compares with what was appended.
  void Verify() {
    int64_t next = 0;
    size_t found = 0;
    Bytes scratch;
    std::string text;
    ReadCursor cursor;
    while (Offset(next) < log_->end()) {
      const ReadOutcome outcome = log_->Read(
          {.offset = Offset(next), .limit = log_->end(), .max_bytes = 8 << 20, .at_least_one_batch = true},
          &cursor);
      CHECK(outcome.code == ReadCode::kOk);
      text.resize(outcome.range.size);
      CHECK_EQ(::pread(outcome.range.file->fd(), text.data(), text.size(),
                       static_cast<off_t>(outcome.range.position)),
               static_cast<ssize_t>(text.size()));
      for (ByteView rest = AsBytes(text); !rest.empty();) {
        const record::BatchParse parse = record::ParseBatch(rest);
        CHECK(parse.ok() && record::CrcMatches(parse.batch) && parse.batch.next_offset().value() > next);
        next = parse.batch.next_offset().value();
        rest = rest.subspan(parse.batch.size_bytes());
        const auto records = record::DecompressRecords(parse.batch, &scratch, 64 << 20);
        CHECK_OK(records.status());
        record::RecordIterator it(parse.batch, *records);
        for (record::RecordView record; it.Next(&record);) {
          found += CheckRecord(record) ? 1 : 0;
        }
        CHECK_OK(it.status());
      }
    }
    size_t wanted = 0;
    for (const int64_t offset : newest_) {
      wanted += offset >= 0 ? 1 : 0;
    }
    CHECK_EQ(found, wanted);
    std::printf("verified: %zu keys, each with its newest record at its offset and nothing else\n", found);
  }

 private:
  static std::string KeyOf(uint64_t key) { return absl::StrCat("key-", absl::Dec(key, absl::kZeroPad8)); }

  void AppendBatch(ByteView bytes) {
    const AppendOutcome outcome =
        log_->Append(record::BatchView(bytes), {.leader_epoch = LeaderEpoch(0), .now_ms = now_ms_});
    CHECK(outcome.code == AppendCode::kOk);
  }

  bool CheckRecord(const record::RecordView& record) {
    const absl::string_view key = AsText(*record.key);
    uint64_t number;
    if (!absl::SimpleAtoi(key.substr(4), &number)) {
      return false;  // "the last".
    }
    CHECK_EQ(newest_[number], record.offset.value());
    Random noise(number ^ static_cast<uint64_t>(record.offset.value()) << 20);
    const absl::string_view value = AsText(*record.value);
    CHECK_EQ(value.size(), static_cast<size_t>(settings_.value));
    for (size_t i = 0; i + 8 <= value.size(); i += 16) {
      const uint64_t word = noise.Next();
      CHECK_EQ(std::memcmp(value.data() + i, &word, 8), 0);
    }
    return true;
  }

  const Settings settings_;
  std::vector<int64_t> newest_;  // The newest offset of each key, as it was appended.
  int64_t now_ms_ = 1'800'000'000'000;
  TempDir temp_;
  PosixDisk disk_;
  ThreadPool pool_{2};
  LogOptions log_options_;
  std::unique_ptr<LogDir> dir_;
  std::shared_ptr<Log> log_;
};

int Main(int argc, char** argv) {
  const Settings settings = Parse(argc, argv);
  Bench bench(settings);
  bench.Fill();
  bench.Compact("compaction");
  bench.Verify();
  return 0;
}

}  // namespace
}  // namespace sluice::storage

int main(int argc, char** argv) {
  sluice::LeaveOutLockChecks();
  return sluice::storage::Main(argc, argv);
}
