// The end of the log: the one segment that batches are placed in, by a store through its map or by pwrite.
//
// The log shares it with the tasks that allocate and populate ahead of it; the map goes when the last of them
// has let go, so nobody ever stores through a map that is gone.
//
// Threads: fields are guarded by the log's append lock, which Write() and the setters need; Map, Allocate and
// Populate touch only what is const and may block, without that lock.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "storage/disk/disk.h"
#include "storage/log/log_options.h"
#include "storage/log/room_plan.h"
#include "storage/log/segment.h"

namespace sluice::storage {

// What the log writes into its copy of a batch.
struct BatchStamp {
  Offset base_offset;
  LeaderEpoch leader_epoch;
  std::optional<int64_t> log_append_time_ms;  // Unset: the producer's times stay.
};

class SegmentWriter {
 public:
  // `file` is open for writing; `room` says how far it is filled, allocated and mapped (by `map`).
  SegmentWriter(std::shared_ptr<File> file, const Room& room, std::shared_ptr<Mapping> map)
      : file_(std::move(file)), map_(std::move(map)), room_(room) {}

  const Room& room() const { return room_; }
  uint64_t position() const { return room_.position; }

  // Needs room_.Has(batch.size()). Bytes beyond position() are nobody's until the caller publishes them.
  absl::Status Write(ByteView batch, const BatchStamp& stamp);

  // Done outside the append lock...
  const std::shared_ptr<File>& file() const { return file_; }
  const std::shared_ptr<Mapping>& map() const { return map_; }
  // ... and recorded under it.
  void SetMap(std::shared_ptr<Mapping> map);
  // For a log that went idle; the next append maps again.
  std::shared_ptr<Mapping> TakeMap();
  void SetAllocated(uint64_t allocated) { room_.allocated = allocated; }
  // Nothing behind the position counts as allocated any more.
  void GiveBackRoom() { room_.allocated = room_.populated = room_.position; }
  void SetPopulated(uint64_t populated) { room_.populated = populated; }
  void SetWrittenBack(uint64_t written_back) { room_.written_back = written_back; }
  // Only while it is empty. It must be mapped anew.
  void RaiseLimit(uint64_t limit);
  void SetMapRule(bool wants_map, uint64_t map_from) {
    room_.wants_map = wants_map;
    room_.map_from = map_from;
  }
  void SetSyncStride(uint64_t stride) { room_.sync_stride = stride; }
  void SetNextPrepared(bool prepared) { room_.next_prepared = prepared; }

 private:
  absl::Status WriteThroughFile(ByteView batch, const BatchStamp& stamp);

  const std::shared_ptr<File> file_;  // Shared with the segment that readers see.
  std::shared_ptr<Mapping> map_;      // Shared with the task that populates it.
  Room room_;
};

}  // namespace sluice::storage
