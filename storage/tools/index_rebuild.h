// Makes a stopped log dir's offset index anew from its segments, as the next start would, but with progress
// shown and before anybody waits for it.
//
// A new database is written beside the old one and put in its place by a rename; until then the old one is
// untouched. From it, as far as it can be read, comes the one thing that the segments do not tell: where
// DeleteRecords has moved a log's start to. Without it a log starts at its first segment.
//
// After an orderly stop batch headers are believed, as a start believes them, and each log gets a checkpoint
// at its end. Otherwise every byte is checked, and the checkpoint stands before the last segment, whose end
// the next start has to find. Damage stops it: repair comes first.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "proto/base/clock.h"
#include "storage/disk/disk.h"
#include "storage/tools/log_files.h"
#include "storage/tools/verify.h"

namespace sluice::storage {

struct RebuildReport {
  size_t logs = 0;
  size_t segments = 0;
  uint64_t offset_entries = 0;
  uint64_t time_entries = 0;
  uint64_t bytes_walked = 0;
};

struct RebuildProgress {
  const std::string& log;
  uint64_t entries = 0;  // Of both kinds, so far.
  uint64_t bytes_done = 0;
  uint64_t bytes_total = 0;
};
using RebuildProgressFunction = absl::FunctionRef<void(const RebuildProgress&)>;

// `files` are a whole log dir's, opened for changing.
absl::StatusOr<RebuildReport> RebuildIndex(Disk& disk, Clock& clock, const LogFiles& files,
                                           RebuildProgressFunction progress);

}  // namespace sluice::storage
