// Puts what the journal holds of a log back into its segments, before recovery walks them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/disk/disk.h"
#include "storage/journal/scan.h"
#include "storage/log/log_position.h"

namespace sluice::storage {

struct ReplayInput {
  Disk& disk;
  const std::string& directory;
  const std::vector<FoundEntry>& entries;
  LogPosition known;  // The checkpoint, or all zeroes: what lies before it is in the segments.
};

// Afterwards every byte that was acknowledged is in the page cache, where it was when the broker died; bytes
// that are there already are not written again. `bases` are the log's segments, ascending: one that the power
// cut took (its file was made, its name was not on the disk yet) is made again and added. Returns the
// position up to which the log was acknowledged: no less than `known`. Entries before the first segment are
// of segments that retention dropped. absl::DataLoss: a segment between others is missing.
absl::StatusOr<LogPosition> ReplayJournal(const ReplayInput& input, std::vector<Offset>* bases);

}  // namespace sluice::storage
