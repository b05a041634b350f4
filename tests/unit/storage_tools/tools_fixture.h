// A log dir with a log of several segments, stopped in order, for the tools to work on.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "storage/tools/log_files.h"
#include "storage/tools/repair.h"
#include "storage/tools/verify.h"
#include "tests/support/log_fixture.h"

namespace sluice::storage {

inline void NoProgress(const Progress&) {}

class ToolsFixture : public LogFixture {
 protected:
  // `batches` batches of three records of 400 bytes: some 50 in a segment.
  void MakeStoppedLog(int batches) {
    options_.retention_ms = -1;
    epoch_ = 3;
    OpenNew();
    ASSERT_NO_FATAL_FAILURE(PutMany(batches, {.records = 3, .value_size = 400}));
    ASSERT_EQ(dir_->Close(), absl::OkStatus());
    Crash();
  }

  LogFiles Files(LogFiles::For purpose = LogFiles::For::kReading) {
    absl::StatusOr<LogFiles> files = LogFiles::Open(posix_, dir_options_.path, purpose);
    CHECK_OK(files.status());
    return *std::move(files);
  }

  PartitionReport Verify() {
    const LogFiles files = Files();
    const auto index = IndexReader::Open(files.index_path());
    const auto report = VerifyPartition({.disk = posix_,
                                         .partition = files.partitions().at(0),
                                         .index = index.ok() ? index->get() : nullptr,
                                         .clean = files.clean()},
                                        NoProgress);
    CHECK_OK(report.status());
    return *report;
  }

  absl::StatusOr<RepairReport> TryRepair(bool apply, RepairWay way = RepairWay::kKeep, bool discard = false,
                                         Disk* disk = nullptr) {
    const LogFiles files = Files(LogFiles::For::kChanging);
    return RepairPartition({.disk = disk == nullptr ? posix_ : *disk,
                            .partition = files.partitions().at(0),
                            .index_path = files.index_path(),
                            .clean = files.clean(),
                            .way = way,
                            .apply = apply,
                            .discard = discard},
                           NoProgress);
  }
  RepairReport Repair(bool apply, RepairWay way = RepairWay::kKeep, bool discard = false) {
    const absl::StatusOr<RepairReport> report = TryRepair(apply, way, discard);
    CHECK_OK(report.status());
    return *report;
  }

  void Overwrite(const std::string& name, uint64_t position, ByteView bytes) {
    const auto file = posix_.Open(LogPath(name), Disk::OpenMode::kReadWrite);
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_EQ((*file)->WriteAt(position, bytes), absl::OkStatus());
  }
  void CutFile(const std::string& name, uint64_t size) {
    const auto file = posix_.Open(LogPath(name), Disk::OpenMode::kReadWrite);
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_EQ((*file)->Truncate(size), absl::OkStatus());
  }

  // Where the batches of a segment begin; the file's size last.
  std::vector<uint64_t> BatchPositions(const std::string& name) {
    const std::string bytes = *posix_.ReadFile(LogPath(name));
    std::vector<uint64_t> positions;
    uint64_t at = 0;
    while (at < bytes.size()) {
      positions.push_back(at);
      at += *record::PeekBatchSize(AsBytes(bytes).subspan(at));
    }
    positions.push_back(at);
    return positions;
  }

  // Name and content of every file below the log dir.
  std::map<std::string, std::string> Snapshot() {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_options_.path)) {
      if (entry.is_regular_file()) {
        files[entry.path().string()] = *posix_.ReadFile(entry.path().string());
      }
    }
    return files;
  }

  // Opens the log and reads all of it: every offset that is not in `lost` has the record that was put there.
  void ExpectServedBut(const std::set<int64_t>& lost, int64_t end) {
    ASSERT_NO_FATAL_FAILURE(Open());
    ASSERT_NE(log_, nullptr);
    ASSERT_EQ(log_->end().value(), end);
    int64_t next = log_->start().value();
    for (const Bytes& bytes : ReadAll(next, 1 << 20, true)) {
      const record::BatchView found(bytes);
      ASSERT_EQ(found.base_offset().value(), next);
      next = found.next_offset().value();
      for (int64_t offset = found.base_offset().value(); offset < next; ++offset) {
        EXPECT_EQ(lost.contains(offset), found.record_count() == 0) << offset;
      }
      if (found.record_count() > 0) {
        const record::BatchView wanted(expected_[static_cast<size_t>(found.base_offset().value() / 3)]);
        EXPECT_EQ(AsText(found.bytes().subspan(record::kCrcAt)),
                  AsText(wanted.bytes().subspan(record::kCrcAt)));
      }
    }
    EXPECT_EQ(next, end);
    // The log goes on.
    const AppendOutcome appended = Append({.records = 3});
    EXPECT_EQ(appended.code, AppendCode::kOk) << appended.status;
    EXPECT_EQ(appended.base_offset.value(), end);
  }
};

inline std::set<int64_t> OffsetsOf(const std::vector<LostOffsets>& lost) {
  std::set<int64_t> offsets;
  for (const LostOffsets& range : lost) {
    for (int64_t offset = range.first.value(); range.last && offset <= range.last->value(); ++offset) {
      offsets.insert(offset);
    }
  }
  return offsets;
}

}  // namespace sluice::storage
