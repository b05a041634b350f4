// Where a log dir keeps its journal, and how one life of it ends and the next begins.
//
//   DIR/journal/            the ring, unless it was put elsewhere (sluice.journal.dir) ...
//   DIR/journal.location    ... then this file names the directory: a start after a crash looks there first
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/base/uuid.h"
#include "storage/disk/disk.h"
#include "storage/index/offset_index.h"
#include "storage/journal/ring.h"
#include "storage/journal/scan.h"
#include "storage/log/log_dir.h"

namespace sluice::storage {

struct LogDirJournal {
  Disk& disk;
  OffsetIndex& index;
  const LogDirOptions& options;
  Uuid directory_id;
};

struct LastJournal {
  std::string directory;
  bool kept = false;              // The last broker here kept a journal.
  JournalScan scan;               // Empty after a clean stop.
  bool index_is_current = false;  // See RecoveryInput.
};

// What the last life left. Changes nothing.
absl::StatusOr<LastJournal> ReadLastJournal(const LogDirJournal& dir, bool clean);

// After all of it is in the segments and in checkpoints: forgets it, durably. The ring to go on with, or null
// when no journal is wanted any more.
absl::StatusOr<std::unique_ptr<JournalRing>> BeginJournal(const LogDirJournal& dir, const LastJournal& last);

// The checkpoints of all logs that blocks up to `through` speak of are in the index: makes that durable, and
// itself known to the next ReadLastJournal. Before the ring is told to release them.
absl::Status NoteJournalBehind(OffsetIndex& index, const Uuid& journal_id, uint64_t through);

}  // namespace sluice::storage
