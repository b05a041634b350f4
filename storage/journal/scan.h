// Reads a journal after an unclean stop: what it still holds that the segments may lack.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "storage/disk/disk.h"
#include "storage/journal/block.h"

namespace sluice::storage {

// An entry and where its bytes stand.
struct FoundEntry {
  JournalEntry entry;
  std::shared_ptr<File> file;  // Shared by the entries of one journal file.
  uint64_t position = 0;
};

struct JournalScan {
  // In the order in which they were written. Logs that were deleted since may be among them.
  absl::flat_hash_map<LogId, std::vector<FoundEntry>> logs;
  Uuid journal_id;             // All zero: no journal was begun.
  uint64_t last_sequence = 0;  // Of the last whole block; 0: there is none.
  uint64_t needed_from = 1;    // What came before it is in the segments, and the checkpoints know.
};

// Reads every file of the ring in `directory`, which may be missing. The last block that is whole is the last
// one: a block that was being written was not acknowledged to anybody. absl::DataLoss, naming file and byte,
// when a block is missing before one that is whole.
absl::StatusOr<JournalScan> ScanJournal(Disk& disk, const std::string& directory);

}  // namespace sluice::storage
