#include "storage/log/room_plan.h"

#include <algorithm>

namespace sluice::storage {
namespace {

constexpr uint64_t kExtentMin = 128u << 10;
constexpr uint64_t kExtentMax = 64u << 20;
constexpr uint64_t kPopulateAheadMin = 32u << 10;
constexpr uint64_t kPopulateAheadMax = 8u << 20;
constexpr uint64_t kPopulateStep = 1u << 20;     // A step is done under the upkeep lock: about 0.3 ms.
constexpr uint64_t kWritebackStride = 8u << 20;  // Larger, and the kernel throttles writers: limits.md, C1.
constexpr uint64_t kPage = 4096;

uint64_t RoundUp(uint64_t size, uint64_t unit) {
  return (size + unit - 1) / unit * unit;
}

// A quarter of what there is: with thousands of partitions that fill their first segments side by side, more
// would take a disk for what may never come.
uint64_t NextExtent(const Room& room) {
  return std::min(std::clamp(RoundUp(room.allocated / 4, kPage), kExtentMin, kExtentMax),
                  room.limit - room.allocated);
}

uint64_t PopulateTarget(const Room& room, uint64_t at_least = 0) {
  return std::min(std::max(room.position + PopulateAhead(room.position, room.sync_stride), at_least),
                  room.allocated);
}

}  // namespace

uint64_t FirstExtent(uint64_t previous_bytes, uint64_t limit) {
  return std::min(std::clamp(RoundUp(previous_bytes / 4, kPage), kExtentMin, kExtentMax), limit);
}

uint64_t PopulateAhead(uint64_t position, uint64_t sync_stride) {
  const uint64_t measure = sync_stride == 0 ? position : sync_stride / 8;
  return std::clamp(measure, kPopulateAheadMin, kPopulateAheadMax);
}

RoomStep StepForBatch(const Room& room, uint64_t size_bytes) {
  if (room.LacksMap()) {
    return {.kind = RoomStep::Kind::kMap, .position = 0, .size = room.limit};
  }
  const uint64_t end = room.position + size_bytes;
  if (end <= room.allocated) {
    const uint64_t from = std::max(room.populated, room.position);
    return room.mapped && from < end
               ? RoomStep{RoomStep::Kind::kPopulate, from, PopulateTarget(room, end) - from}
               : RoomStep{};
  }
  const uint64_t needed = std::min(RoundUp(end, kExtentMin), room.limit) - room.allocated;
  return {.kind = RoomStep::Kind::kAllocate,
          .position = room.allocated,
          .size = std::max(needed, NextExtent(room))};
}

RoomStep StepAhead(const Room& room) {
  if (room.LacksMap()) {
    return {};
  }
  const uint64_t ahead = PopulateAhead(room.position, room.sync_stride);
  const uint64_t from = std::max(room.populated, room.position);
  if (room.mapped && from < room.position + ahead / 2 && from < PopulateTarget(room)) {
    return {.kind = RoomStep::Kind::kPopulate,
            .position = from,
            .size = std::min(kPopulateStep, PopulateTarget(room) - from)};
  }
  const uint64_t next_extent = NextExtent(room);
  if (next_extent > 0 && room.allocated - room.position < next_extent / 2) {
    return {.kind = RoomStep::Kind::kAllocate, .position = room.allocated, .size = next_extent};
  }
  if (!room.next_prepared && room.position > room.limit / 4 * 3) {
    return {.kind = RoomStep::Kind::kPrepareNext};
  }
  if (room.position - room.written_back >= kWritebackStride) {
    return {.kind = RoomStep::Kind::kStartWriteback,
            .position = room.written_back,
            .size = (room.position - room.written_back) / kWritebackStride * kWritebackStride};
  }
  return {};
}

}  // namespace sluice::storage
