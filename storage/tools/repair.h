// Makes a damaged partition fit to be served again, and says what that costs before it does anything.
//
//   ASSIGN_OR_RETURN(RepairReport plan, RepairPartition(input, progress));   // input.apply is false: a dry
//   run.
//
// Two ways. kKeep saves every whole batch; where bytes were damaged, an empty batch takes their offsets, so
// that each other record keeps its own:
//
//   |[10,29]| damaged |[45,60]|   ->   |[10,29]|[30,44] empty|[45,60]|     lost: 30 to 44
//
// kTruncate ends the log before the first damage, as Kafka does; the offsets behind are given again.
//
// The original segment is never written: a copy is made beside it, synced, read back and put in its place by
// a rename; the original stays as <name>.log.damaged, unless it is to be discarded. While that goes on, the
// mark `damaged` stands in the directory, so that no broker serves what is half done; running the repair
// again begins anew. The log's part of the index is dropped: the next start makes it from the segments.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/disk/disk.h"
#include "storage/tools/log_files.h"
#include "storage/tools/verify.h"

namespace sluice::storage {

enum class RepairWay { kKeep, kTruncate };

struct RepairInput {
  Disk& disk;
  const PartitionFiles& partition;
  std::string index_path;  // Empty: the directory stands alone.
  bool clean = false;      // The broker stopped in order.
  RepairWay way = RepairWay::kKeep;
  bool apply = false;
  bool discard = false;  // The originals.
};

struct LostOffsets {
  Offset first;
  std::optional<Offset> last;  // Included. Empty: how many followed is not known.

  friend bool operator==(const LostOffsets&, const LostOffsets&) = default;
};

struct RepairReport {
  std::string name;
  bool needed = false;
  bool applied = false;
  std::vector<LostOffsets> lost;     // Ascending.
  uint64_t dropped_bytes = 0;        // That were no batch, or had no place.
  uint64_t batches_kept = 0;         // Of the whole partition.
  std::vector<std::string> actions;  // What was or would be done, in order, a sentence each.
};

// Errors: absl::FailedPrecondition: written by a newer version; what the disk says, among them
// absl::ResourceExhausted: no room for the copies. Nothing is lost then: run it again.
absl::StatusOr<RepairReport> RepairPartition(const RepairInput& input, ProgressFunction progress);

}  // namespace sluice::storage
