// Finds out, when a log is opened, what it holds: from its last checkpoint and a walk over what came after.
//
//   sealed, as the index says | checkpoint | walked: length, magic, offsets, CRC | clean or torn tail
//
// What compaction had promised is done first (segment_swap.h), and where it was at work offsets may be
// missing.
//
// - Zeroes or the file's end behind the last good batch: the log goes on there.
// - An unfinished batch at the very end: cut off; the log goes on in a new file, because bytes of a file
//   position that was served once are never written again.
// - The same before a later whole batch, in a log that acknowledges what is in the page cache, or behind what
//   the journal says was acknowledged: a power cut lost a page of it. Cut off there as well, and told
//   (RecoveredLog::lost).
// - Anything else (a bad batch before a good one, a gap between segments, a file shorter than was synced):
//   absl::DataLoss that names file and byte. Nothing is cut then.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/base/clock.h"
#include "storage/disk/disk.h"
#include "storage/index/offset_index.h"
#include "storage/journal/scan.h"
#include "storage/log/compaction_state.h"
#include "storage/log/log_position.h"
#include "storage/log/log_state.h"
#include "storage/log/segment_list.h"

namespace sluice::storage {

// What is known of the stop before this start.
struct StartAfter {
  bool clean = false;  // The last broker stopped in order: there can be no torn tail, and CRCs are trusted.
  // The log dir kept a journal: what it holds of this log, maybe nothing. Null: it kept none.
  const std::vector<FoundEntry>* journal = nullptr;
  // The index is no older than the journal: what is neither in a checkpoint nor in the journal was never
  // acknowledged. An index that was lost, or put back from a copy, cannot tell.
  bool index_is_current = false;
};

struct RecoveryInput {
  Disk& disk;
  Clock& clock;
  OffsetIndex& index;
  std::string directory;
  LogId id;
  StartAfter after = {};
};

struct RecoveredLog {
  // All sealed, or all but the last, whose room behind `end` may be appended to.
  std::vector<SegmentInfo> segments;
  LogPosition end;
  LogPosition durable;  // What was found behind it is whole but may not be on the disk yet.
  LogState state;
  CompactionState compaction;
  uint64_t walked_bytes = 0;
  bool page_cache = false;  // The directory is marked so: see PartitionLog::SettleMark.
  std::string lost;         // What a hole in the tail of such a log cost; empty for nothing.
};

// Opens, reads, may trim files and writes index entries. Blocks.
absl::StatusOr<RecoveredLog> RecoverLog(const RecoveryInput& input);

}  // namespace sluice::storage
