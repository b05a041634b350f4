// The segments of a stopped partition, as verify and repair look at them: sizes, and which of them is the
// last that holds anything.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/disk/disk.h"
#include "storage/log/segment_walk.h"
#include "storage/tools/log_files.h"

namespace sluice::storage {

struct SegmentRow {
  struct Item {
    Offset base;
    std::string path;
    uint64_t size_bytes = 0;
  };
  std::vector<Item> items;
  // Index of the last one that holds more than zeroes.
  size_t last = 0;
  uint64_t bytes = 0;
  Offset gaps_below;

  // Behind the last one that holds anything, a segment counts only if the log ends where it begins: others
  // were made shortly before a power cut that took the end of the log.
  bool IsPartOfLog(size_t index, Offset end) const { return index <= last || items[index].base == end; }

  // Where segment `index` ends, if one with something in it follows.
  std::optional<Offset> EndOf(size_t index) const {
    return index < last ? std::optional(items[index + 1].base) : std::nullopt;
  }
  SegmentWalk::Bounds BoundsOf(size_t index, LeaderEpoch epoch_min) const {
    return {.base = items[index].base,
            .next = EndOf(index),
            .size_bytes = items[index].size_bytes,
            .epoch_min = epoch_min,
            .gaps_below = gaps_below};
  }
};

absl::StatusOr<SegmentRow> ReadSegmentRow(Disk& disk, const PartitionFiles& partition);

}  // namespace sluice::storage
