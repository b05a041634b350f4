// What the tests of storage/log share: a log dir in a temporary directory, batches to append, and a reader
// that checks everything it reads.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/base/random.h"
#include "proto/record/batch_builder.h"
#include "proto/record/batch_view.h"
#include "storage/disk/posix_disk.h"
#include "storage/log/log_dir.h"
#include "tests/support/fault_disk.h"
#include "tests/support/temp_dir.h"

namespace sluice::storage {

struct BatchSpec {
  int records = 1;
  size_t value_size = 20;
  int64_t timestamp_ms = 1'700'000'000'000;
  int64_t timestamp_step_ms = 0;
  ProducerId producer_id = kNoProducerId;
  ProducerEpoch producer_epoch = kNoProducerEpoch;
  int32_t base_sequence = kNoSequence;
  record::Codec codec = record::Codec::kNone;
  uint8_t fill = 'x';
};

inline Bytes MakeBatch(const BatchSpec& spec) {
  record::BatchBuilder builder({.codec = spec.codec,
                                .producer_id = spec.producer_id,
                                .producer_epoch = spec.producer_epoch,
                                .base_sequence = spec.base_sequence});
  const Bytes value(spec.value_size, std::byte{spec.fill});
  for (int i = 0; i < spec.records; ++i) {
    CHECK_OK(builder.Append(spec.timestamp_ms + i * spec.timestamp_step_ms, std::nullopt, ByteView(value)));
  }
  const absl::StatusOr<ByteView> built = builder.Build();
  CHECK_OK(built.status());
  return ToBytes(*built);
}

inline std::string ReadRange(const FileRange& range) {
  std::string text(range.size, '\0');
  if (range.size > 0) {
    CHECK_EQ(::pread(range.file->fd(), text.data(), text.size(), static_cast<off_t>(range.position)),
             static_cast<ssize_t>(text.size()));
  }
  return text;
}

// The batches in a range; every one must be whole and valid.
inline std::vector<Bytes> Split(const std::string& text) {
  std::vector<Bytes> batches;
  ByteView rest = AsBytes(text);
  while (!rest.empty()) {
    const record::BatchParse parse = record::ParseBatch(rest);
    EXPECT_TRUE(parse.ok()) << "no whole batch, " << rest.size() << " bytes left";
    if (!parse.ok()) {
      break;
    }
    EXPECT_TRUE(record::CrcMatches(parse.batch));
    batches.push_back(ToBytes(parse.batch.bytes()));
    rest = rest.subspan(parse.batch.size_bytes());
  }
  return batches;
}

class LogFixture : public ::testing::Test {
 protected:
  LogFixture() {
    options_.segment_bytes = 64 << 10;
    options_.durability = Durability::kPageCache;
    dir_options_.path = temp_ / "data";
    dir_options_.maintenance_interval_ms = 0;
    dir_options_.journal.bytes = 2 << 20;
    Random random(42);
    cluster_ = Uuid::Generate(random);
    id_ = {Uuid::Generate(random), PartitionId(0)};
  }

  absl::Status TryOpen() {
    absl::StatusOr<std::unique_ptr<LogDir>> opened = LogDir::Open(dir_options_, cluster_,
                                                                  {.disk = *dir_disk_,
                                                                   .clock = clock_,
                                                                   .pool = pool_,
                                                                   .on_fatal =
                                                                       [this](absl::Status status) {
                                                                         absl::MutexLock lock(&mu_);
                                                                         fatal_.push_back(std::move(status));
                                                                       },
                                                                   .on_damage =
                                                                       [this](absl::string_view damage) {
                                                                         absl::MutexLock lock(&mu_);
                                                                         damages_.emplace_back(damage);
                                                                       },
                                                                   .on_warning =
                                                                       [this](const std::string& warning) {
                                                                         absl::MutexLock lock(&mu_);
                                                                         warnings_.push_back(warning);
                                                                       }});
    if (!opened.ok()) {
      return opened.status();
    }
    dir_ = *std::move(opened);
    log_ = dir_->Find(id_);
    if (log_ != nullptr) {
      log_->SetOptions(options_);
      Listen();
    }
    return absl::OkStatus();
  }
  void Open() { ASSERT_EQ(TryOpen(), absl::OkStatus()); }
  void OpenNew() {
    Open();
    const auto created = dir_->Create({"orders", id_}, options_);
    ASSERT_TRUE(created.ok()) << created.status();
    log_ = created->get();
    Listen();
  }
  // The process dies: nothing is synced, written or trimmed.
  void Crash() {
    log_ = nullptr;
    dir_.reset();
  }
  void CrashAndReopen() {
    Crash();
    Open();
  }
  void CloseAndReopen() {
    ASSERT_EQ(dir_->Close(), absl::OkStatus());
    Crash();
    Open();
  }
  void Listen() {
    log_->SetListener([this] {
      absl::MutexLock lock(&mu_);
      ++changes_;
    });
  }

  AppendOutcome Append(const BatchSpec& spec) { return AppendBytes(MakeBatch(spec)); }
  AppendOutcome AppendBytes(const Bytes& batch) {
    return log_->Append(record::BatchView(batch),
                        {.leader_epoch = LeaderEpoch(epoch_), .now_ms = clock_.NowMs()});
  }
  // Appends and remembers.
  void Put(const BatchSpec& spec) {
    const Bytes batch = MakeBatch(spec);
    const AppendOutcome outcome = AppendBytes(batch);
    ASSERT_EQ(outcome.code, AppendCode::kOk) << outcome.status;
    ASSERT_EQ(outcome.base_offset.value(), next_);
    next_ += spec.records;
    ASSERT_EQ(outcome.next_offset.value(), next_);
    expected_.push_back(batch);
  }
  void PutMany(int count, BatchSpec spec = {}) {
    for (int i = 0; i < count; ++i) {
      spec.fill = static_cast<uint8_t>('a' + i % 26);
      ASSERT_NO_FATAL_FAILURE(Put(spec));
    }
  }

  void Await(const std::function<bool()>& condition) {
    absl::MutexLock lock(&mu_);
    const auto holds = [&condition] { return condition(); };
    ASSERT_TRUE(mu_.AwaitWithTimeout(absl::Condition(&holds), absl::Seconds(20)));
  }
  void AwaitDurable(Offset offset) {
    Await([&] { return log_->durable_end() >= offset; });
  }

  ReadOutcome ReadAt(int64_t offset, uint64_t max_bytes = 1 << 20, ReadCursor* cursor = nullptr) {
    return log_->Read({.offset = Offset(offset),
                       .limit = log_->readable_end(),
                       .max_bytes = max_bytes,
                       .at_least_one_batch = true},
                      cursor);
  }
  // All batches from `offset` to the end, read as a consumer does.
  std::vector<Bytes> ReadAll(int64_t offset, uint64_t max_bytes, bool with_cursor) {
    std::vector<Bytes> all;
    ReadCursor cursor;
    while (Offset(offset) < log_->readable_end()) {
      const ReadOutcome outcome = ReadAt(offset, max_bytes, with_cursor ? &cursor : nullptr);
      EXPECT_EQ(outcome.code, ReadCode::kOk) << outcome.status;
      const std::vector<Bytes> batches = Split(ReadRange(outcome.range));
      EXPECT_FALSE(batches.empty()) << "at offset " << offset;
      if (batches.empty()) {
        break;
      }
      all.insert(all.end(), batches.begin(), batches.end());
      offset = record::BatchView(all.back()).next_offset().value();
    }
    return all;
  }
  // Everything in the log is what was Put, from batch `first` on.
  void ExpectLogHolds(size_t first = 0) {
    int64_t base = 0;
    for (size_t i = 0; i < first; ++i) {
      base += record::BatchView(expected_[i]).record_count();
    }
    ASSERT_EQ(log_->end().value(), next_);
    const std::vector<Bytes> batches = ReadAll(base, 1 << 20, true);
    ASSERT_EQ(batches.size(), expected_.size() - first);
    for (size_t i = 0; i < batches.size(); ++i) {
      const record::BatchView found(batches[i]);
      const record::BatchView wanted(expected_[first + i]);
      ASSERT_EQ(found.base_offset().value(), base);
      ASSERT_EQ(AsText(found.bytes().subspan(record::kCrcAt)), AsText(wanted.bytes().subspan(record::kCrcAt)))
          << "batch " << i;
      base += wanted.record_count();
    }
  }

  std::string LogPath(const std::string& name = "") const {
    return absl::StrCat(dir_options_.path, "/orders-0", name.empty() ? "" : "/", name);
  }
  std::vector<std::string> SegmentFiles() {
    std::vector<std::string> names;
    const std::vector<std::string> all = *posix_.List(LogPath());
    for (const std::string& name : all) {
      if (name.ends_with(".log")) {
        names.push_back(name);
      }
    }
    return names;
  }
  void RemoveIndex() { ASSERT_EQ(posix_.RemoveTree(dir_options_.path + "/index"), absl::OkStatus()); }
  void FlipBit(const std::string& name, uint64_t position) {
    const auto file = posix_.Open(LogPath(name), Disk::OpenMode::kReadWrite);
    ASSERT_TRUE(file.ok()) << file.status();
    std::byte byte;
    ASSERT_EQ(*(*file)->ReadAt(position, {&byte, 1}), 1u);
    byte ^= std::byte{4};
    ASSERT_EQ((*file)->WriteAt(position, {&byte, 1}), absl::OkStatus());
  }

  TempDir temp_;
  PosixDisk posix_;
  FaultDisk disk_{posix_};
  Disk* dir_disk_ = &disk_;  // What the log dir is given.
  ManualClock clock_;
  InlineExecutor pool_;
  LogOptions options_;
  LogDirOptions dir_options_;
  Uuid cluster_;
  LogId id_;
  int32_t epoch_ = 0;

  absl::Mutex mu_;
  int changes_ = 0;
  std::vector<absl::Status> fatal_;
  std::vector<std::string> damages_;  // What the scrubber told.
  std::vector<std::string> warnings_;

  std::unique_ptr<LogDir> dir_;
  Log* log_ = nullptr;
  std::vector<Bytes> expected_;
  int64_t next_ = 0;
};

}  // namespace sluice::storage
