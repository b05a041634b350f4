// What a log remembers of its compaction, in a small file of its own beside the segments, because recovery
// must know it even when the index is lost:
//
//   | cleaned, gaps | cleaned, gaps | being cleaned: may have gaps | dirty | active |
//                                   ^ first_dirty                  ^ gaps_below
//
// Below gaps_below offsets may be missing; from there on a missing offset is damage. It is raised before a
// segment is replaced, first_dirty after the whole pass. Layout: docs/formats/compaction.md.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/base/ids.h"
#include "storage/disk/disk.h"

namespace sluice::storage {

struct CompactionState {
  Offset gaps_below;
  Offset first_dirty;

  friend bool operator==(const CompactionState&, const CompactionState&) = default;
};

// Of the log in `directory`; all zero for one that was never compacted. FailedPrecondition for a newer
// version, DataLoss for a file that says something else.
absl::StatusOr<CompactionState> ReadCompactionState(Disk& disk, const std::string& directory);
// Durable when it returns.
absl::Status WriteCompactionState(Disk& disk, const std::string& directory, const CompactionState& state);

}  // namespace sluice::storage
