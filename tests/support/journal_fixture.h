// What the tests of storage/journal share: entries of made-up logs, a directory and a disk that fails when
// told to.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/base/random.h"
#include "storage/disk/posix_disk.h"
#include "storage/journal/block.h"
#include "storage/journal/journal_id.h"
#include "storage/journal/ring.h"
#include "storage/journal/scan.h"
#include "tests/support/fault_disk.h"
#include "tests/support/temp_dir.h"

namespace sluice::storage {

inline Uuid NumberedUuid(uint8_t number) {
  Uuid id;
  id.bytes.fill(number);
  return id;
}

class JournalFixture : public ::testing::Test {
 protected:
  static constexpr uint64_t kMiB = 1 << 20;

  static JournalEntry EntryOf(int32_t partition, uint64_t position, uint64_t size) {
    return {.log = {NumberedUuid(7), PartitionId(partition)},
            .segment_base = Offset(0),
            .position = position,
            .size = size,
            .end_offset = Offset(static_cast<int64_t>(position + size))};
  }

  absl::Status TryOpen(uint64_t bytes) {
    ring_.reset();
    absl::StatusOr<std::unique_ptr<JournalRing>> opened = JournalRing::Open(
        disk_, {.directory = directory_, .bytes = bytes, .journal_id = NumberedUuid(++life_)});
    if (opened.ok()) {
      ring_ = *std::move(opened);
    }
    return opened.status();
  }
  void Open(uint64_t bytes = 2 * kMiB) { ASSERT_EQ(TryOpen(bytes), absl::OkStatus()); }

  // One block with one entry of `size` bytes, all of them `fill`.
  absl::Status Append(uint64_t size, uint8_t fill = 'x') {
    const Bytes data(size, std::byte{fill});
    const JournalEntry entry = EntryOf(0, next_position_, size);
    next_position_ += size;
    const ByteView view(data);
    return ring_->Append({&entry, 1}, {&view, 1});
  }
  void AppendMany(int count, uint64_t size) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(ring_->HasRoom(BlockSize(1, size))) << "block " << i;
      ASSERT_EQ(Append(size), absl::OkStatus());
    }
  }

  std::string PathOf(size_t index) const { return absl::StrCat(directory_, "/", JournalFileName(index)); }
  std::vector<std::string> Files() {
    std::vector<std::string> names = *posix_.List(directory_);
    std::erase_if(names, [](const std::string& name) { return !name.ends_with(".journal"); });
    return names;
  }
  void Overwrite(size_t index, uint64_t position, const std::string& bytes) {
    auto file = posix_.Open(PathOf(index), Disk::OpenMode::kReadWrite);
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_EQ((*file)->WriteAt(position, AsBytes(bytes)), absl::OkStatus());
  }
  // The entries that a scan finds of the log of `partition`.
  std::vector<JournalEntry> Found(int32_t partition = 0) {
    const absl::StatusOr<JournalScan> scan = ScanJournal(posix_, directory_);
    EXPECT_TRUE(scan.ok()) << scan.status();
    std::vector<JournalEntry> entries;
    if (scan.ok() && scan->logs.contains({NumberedUuid(7), PartitionId(partition)})) {
      for (const FoundEntry& found : scan->logs.at({NumberedUuid(7), PartitionId(partition)})) {
        entries.push_back(found.entry);
      }
    }
    return entries;
  }

  TempDir temp_;
  PosixDisk posix_;
  FaultDisk disk_{posix_};
  const std::string directory_ = temp_ / "journal";
  std::unique_ptr<JournalRing> ring_;
  uint8_t life_ = 0;
  uint64_t next_position_ = 0;
};

}  // namespace sluice::storage
