// Internal to repair: writes the repaired copy of a segment and reads it back.
#pragma once

#include "absl/status/status.h"
#include "storage/disk/disk.h"
#include "storage/tools/repair_plan.h"

namespace sluice::storage {

// Makes `to`, which must not exist, from `repair`'s pieces; synced when it returns OK, and found to be whole.
absl::Status WriteRepairedCopy(Disk& disk, const SegmentRepair& repair, const std::string& to,
                               Offset gaps_below, ProgressFunction progress);

}  // namespace sluice::storage
