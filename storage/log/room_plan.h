// What the active segment needs next so that appends find room: pure policy, values in, one step out.
//
//   0          position           populated            allocated                 limit
//   |== batches ==|---- faulted in ----|--- on the disk, zero ---|---- address space only ----|
//
// Everything scales with use: a partition that gets a batch an hour holds 128 KiB of disk and a few pages,
// one that fills segments is given 64 MiB extents and 8 MiB of pages ahead of its cursor. What is
// allocated is empty to three eighths at most. But a page that was
// populated is dirty: the next sync writes it, empty as it is, and writes it again with what comes later. So
// no more of them lie ahead than an eighth of what is appended between two syncs.
#pragma once

#include <cstdint>

namespace sluice::storage {

struct Room {
  uint64_t position = 0;      // Where the next batch goes.
  uint64_t populated = 0;     // Stores below it do not fault.
  uint64_t allocated = 0;     // Stores below it cannot run out of disk.
  uint64_t written_back = 0;  // Write-back was started below it.
  uint64_t limit = 0;         // The segment never grows beyond it.
  uint64_t sync_stride = 0;   // Appended between its last two syncs; 0: not known yet.
  bool wants_map = false;     // Appends store through a map, once one pays; else they pwrite.
  uint64_t map_from = 0;      // It pays from so many bytes on, between two syncs.
  bool mapped = false;
  bool next_prepared = false;  // The next segment's file is ready.

  bool Has(uint64_t size) const {
    return position + size <= allocated && position + size <= limit && !LacksMap();
  }
  // To fault fresh pages in costs more than a write does; it is the stores after that are cheaper.
  bool LacksMap() const {
    return wants_map && !mapped && (sync_stride == 0 ? position : sync_stride) >= map_from;
  }
};

struct RoomStep {
  enum class Kind { kNone, kMap, kAllocate, kPopulate, kStartWriteback, kPrepareNext };
  Kind kind = Kind::kNone;
  uint64_t position = 0;  // kAllocate, kPopulate, kStartWriteback: the bytes concerned.
  uint64_t size = 0;
};

// The most urgent step towards room for a batch of `size_bytes` that fits below the limit; kNone when there
// is room.
RoomStep StepForBatch(const Room& room, uint64_t size_bytes);
// The most urgent step ahead of need; kNone when all is well. Never kMap: an idle log is mapped by its next
// append.
RoomStep StepAhead(const Room& room);

// How much of a new segment to allocate and populate at once, when its predecessor took `previous_bytes`.
uint64_t FirstExtent(uint64_t previous_bytes, uint64_t limit);
uint64_t PopulateAhead(uint64_t position, uint64_t sync_stride);

}  // namespace sluice::storage
