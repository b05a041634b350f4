// Internal to repair: what a repaired copy of each segment is made of. Reads, decides, changes nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/index/offset_index.h"
#include "storage/tools/repair.h"
#include "storage/tools/segment_row.h"

namespace sluice::storage {

// A stretch of the copy: bytes of the original, or an empty batch.
struct RepairPiece {
  enum class Kind {
    kCopy,    // As they are.
    kRename,  // One batch, with `first` written over its base offset.
    kEmpty,   // An empty batch of offsets `first` to `last`.
  };
  Kind kind = Kind::kCopy;
  uint64_t position = 0;
  uint64_t size_bytes = 0;
  Offset first = {};
  Offset last = {};
  LeaderEpoch epoch{0};
};

struct SegmentRepair {
  SegmentRow::Item segment;
  std::vector<RepairPiece> pieces;
  Offset end;               // One past the last offset of the copy.
  bool moved_away = false;  // kTruncate: nothing of it stays, not even its name.
  uint64_t dropped_bytes = 0;
  std::vector<LostOffsets> lost;
  std::vector<std::string> reasons;  // Of the first few faults.
};

struct RepairPlan {
  std::vector<SegmentRepair> segments;  // Those that change.
  std::vector<LostOffsets> lost;
  uint64_t batches_kept = 0;
  bool index_is_wrong = false;  // The checkpoint speaks of what is not there.
};

absl::StatusOr<RepairPlan> PlanRepair(const RepairInput& input, const std::optional<Checkpoint>& checkpoint,
                                      ProgressFunction progress);

}  // namespace sluice::storage
