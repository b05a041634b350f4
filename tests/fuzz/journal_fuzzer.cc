// A journal's files with any bytes in them. A scan must end, with entries whose bytes stand in the files, or
// an error; and blocks that decode must encode to the same bytes.
//
// Input: one byte that chooses; then a block, or up to three pieces of files that a real journal's blocks are
// written over with, each: file (1 bit), 4 KiB page, offset in it, bytes.
#include <fuzzer/FuzzedDataProvider.h>

#include "proto/base/check.h"
#include "proto/base/crc32c.h"
#include "proto/base/endian.h"
#include "storage/disk/posix_disk.h"
#include "storage/journal/journal_id.h"
#include "storage/journal/ring.h"
#include "storage/journal/scan.h"
#include "tests/support/temp_dir.h"

namespace sluice::storage {
namespace {

constexpr int kBlocks = 6;
constexpr uint64_t kFileSize = 16 * kBlockAlignment;

Uuid JournalId() {
  Uuid id;
  id.bytes.fill(0xab);
  return id;
}

void CheckBlock(FuzzedDataProvider& data) {
  std::string text = data.ConsumeRemainingBytesAsString();
  if (text.size() < kBlockHeaderSize) {
    return;
  }
  auto* const bytes = reinterpret_cast<std::byte*>(text.data());
  // Past the checks that random bytes would die at.
  StoreBigEndian<uint32_t>(bytes, 0x534c4a42);
  StoreBigEndian<uint32_t>(bytes + 4, 0x00010000);
  std::copy_n(reinterpret_cast<const std::byte*>(JournalId().bytes.data()), 16, bytes + 40);
  StoreBigEndian(bytes + 8, Crc32c(AsBytes(text).subspan(12)));
  const std::optional<BlockHeader> header = PeekBlock(AsBytes(text), JournalId());
  CHECK(header.has_value());
  const auto entries = DecodeBlock(*header, AsBytes(text));
  if (!entries) {
    return;
  }
  const size_t content = kBlockHeaderSize + entries->size() * kJournalEntrySize;
  const ByteView rest = AsBytes(text).subspan(content, header->data_bytes);
  Bytes head;
  EncodeBlockHead(*header, *entries, {&rest, 1}, &head);
  CHECK(AsText(head) == absl::string_view(text).substr(0, content));
}

// A journal of small files, made once: six blocks over two files.
class Journal {
 public:
  Journal() {
    CHECK_OK(WriteJournalId(disk_, dir_.path(), JournalId()));
    for (int block = 0; block < kBlocks; ++block) {
      AddBlock(block);
    }
  }
  void Write() {
    for (size_t i = 0; i < 2; ++i) {
      files_[i].resize(kFileSize);
      CHECK_OK(Open(i)->WriteAt(0, AsBytes(files_[i])));
    }
  }
  void Damage(FuzzedDataProvider& data) {
    const auto file = data.ConsumeIntegralInRange<size_t>(0, 1);
    const auto page = data.ConsumeIntegralInRange<uint64_t>(0, kFileSize / kBlockAlignment - 1);
    const uint64_t at = page * kBlockAlignment + data.ConsumeIntegralInRange<uint64_t>(0, 200);
    CHECK_OK(Open(file)->WriteAt(at, AsBytes(data.ConsumeRandomLengthString(512))));
  }
  void Scan() {
    const absl::StatusOr<JournalScan> scan = ScanJournal(disk_, dir_.path());
    if (!scan.ok()) {
      CHECK(scan.status().code() == absl::StatusCode::kDataLoss);
      return;
    }
    CHECK_LE(scan->needed_from, scan->last_sequence + 1);
    for (const auto& [log, entries] : scan->logs) {
      for (const FoundEntry& found : entries) {
        Bytes bytes(found.entry.size);
        CHECK_EQ(*found.file->ReadAt(found.position, bytes), bytes.size());
      }
    }
  }

 private:
  std::unique_ptr<File> Open(size_t file) {
    const std::string path = dir_ / JournalFileName(file);
    return *disk_.Open(path, disk_.Exists(path) ? Disk::OpenMode::kReadWrite : Disk::OpenMode::kCreateNew);
  }
  void AddBlock(int block) {
    std::string& file = files_[block < kBlocks / 2 ? 0 : 1];
    const std::string text(static_cast<size_t>(700 * block), 'd');
    const JournalEntry entry{.size = text.size()};
    const ByteView bytes = AsBytes(text);
    Bytes head;
    EncodeBlockHead({.sequence = static_cast<uint64_t>(block + 1),
                     .needed_from = 2,
                     .data_bytes = text.size(),
                     .journal_id = JournalId()},
                    {&entry, 1}, {&bytes, 1}, &head);
    file.append(std::string(AsText(head)));
    file.append(text);
    file.resize((file.size() + kBlockAlignment - 1) / kBlockAlignment * kBlockAlignment);
  }

  TempDir dir_;
  PosixDisk disk_;
  std::string files_[2];
};

void CheckScan(FuzzedDataProvider& data) {
  static auto* const journal = new Journal;
  journal->Write();
  for (int i = 0; i < 3 && data.remaining_bytes() > 0; ++i) {
    journal->Damage(data);
  }
  journal->Scan();
}

}  // namespace
}  // namespace sluice::storage

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  FuzzedDataProvider data(bytes, size);
  if (data.ConsumeBool()) {
    sluice::storage::CheckBlock(data);
  } else {
    sluice::storage::CheckScan(data);
  }
  return 0;
}
