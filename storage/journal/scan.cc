#include "storage/journal/scan.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "storage/journal/journal_id.h"

namespace sluice::storage {
namespace {

struct FoundBlock {
  uint64_t needed_from = 0;
  uint64_t position = 0;
  std::shared_ptr<File> file;  // Shared by the blocks of one file.
  std::vector<JournalEntry> entries;
};
using Blocks = std::map<uint64_t, FoundBlock>;  // By sequence.

// Blocks that an earlier lap left lie behind newer ones, and among them what a damaged header hides: so every
// 4 KiB is looked at, and what claims to be a block is believed if its CRC says so.
absl::Status ReadFile(std::shared_ptr<File> file, const Uuid& journal_id, Blocks* blocks) {
  ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  Bytes content(size);
  ASSIGN_OR_RETURN(const size_t got, file->ReadAt(0, content));
  content.resize(got);
  uint64_t at = 0;
  while (at + kBlockHeaderSize <= content.size()) {
    const ByteView rest = ByteView(content).subspan(at);
    const std::optional<BlockHeader> header = PeekBlock(rest, journal_id);
    std::optional<std::vector<JournalEntry>> entries = header ? DecodeBlock(*header, rest) : std::nullopt;
    if (!entries) {
      at += kBlockAlignment;
      continue;
    }
    (*blocks)[header->sequence] = {header->needed_from, at, file, *std::move(entries)};
    at += BlockSize(header->entry_count, header->data_bytes);
  }
  return absl::OkStatus();
}

absl::Status CheckChain(const Blocks& blocks, uint64_t needed_from) {
  const FoundBlock* before = nullptr;
  uint64_t expected = needed_from;
  for (auto it = blocks.lower_bound(needed_from); it != blocks.end(); ++it, ++expected) {
    if (it->first != expected) {
      return absl::DataLossError(absl::StrCat(
          "journal block ", expected, " is missing or damaged, and block ", it->first, " at byte ",
          it->second.position, " of ", it->second.file->shared()->path(), " is whole",
          before == nullptr ? std::string()
                            : absl::StrCat(" (the last one before it: byte ", before->position, " of ",
                                           before->file->shared()->path(), ")"),
          ". Records that were acknowledged may be in it and nowhere else. Restore the file, or, to go on "
          "with what the segments hold, move the journal's directory away"));
    }
    before = &it->second;
  }
  return absl::OkStatus();
}

void TakeEntries(const FoundBlock& block, JournalScan* scan) {
  uint64_t position = block.position + kBlockHeaderSize + block.entries.size() * kJournalEntrySize;
  for (const JournalEntry& entry : block.entries) {
    scan->logs[entry.log].push_back({entry, block.file, position});
    position += entry.size;
  }
}

}  // namespace

absl::StatusOr<JournalScan> ScanJournal(Disk& disk, const std::string& directory) {
  JournalScan scan;
  ASSIGN_OR_RETURN(const std::optional<Uuid> journal_id, ReadJournalId(disk, directory));
  if (!journal_id) {
    return scan;
  }
  scan.journal_id = *journal_id;
  ASSIGN_OR_RETURN(const std::vector<std::string> names, disk.List(directory));
  Blocks blocks;
  for (const std::string& name : names) {
    if (absl::EndsWith(name, ".journal")) {
      ASSIGN_OR_RETURN(std::shared_ptr<File> file,
                       disk.Open(absl::StrCat(directory, "/", name), Disk::OpenMode::kReadOnly));
      RETURN_IF_ERROR(ReadFile(std::move(file), *journal_id, &blocks));
    }
  }
  if (blocks.empty()) {
    return scan;
  }
  scan.last_sequence = blocks.rbegin()->first;
  scan.needed_from = blocks.rbegin()->second.needed_from;
  RETURN_IF_ERROR(CheckChain(blocks, scan.needed_from));
  for (auto it = blocks.lower_bound(scan.needed_from); it != blocks.end(); ++it) {
    TakeEntries(it->second, &scan);
  }
  return scan;
}

}  // namespace sluice::storage
