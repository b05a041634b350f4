#include "storage/log/segment_writer.h"

#include <cstring>
#include <utility>

#include "proto/base/check.h"
#include "proto/base/status_macros.h"
#include "proto/record/batch_patch.h"

namespace sluice::storage {
namespace {

// A thread that once wrote a huge batch does not keep its memory.
constexpr size_t kScratchKept = 4u << 20;

void Stamp(MutableByteView batch, const BatchStamp& stamp) {
  record::AssignOffset(batch, stamp.base_offset, stamp.leader_epoch);
  if (stamp.log_append_time_ms) {
    record::StampLogAppendTime(batch, *stamp.log_append_time_ms);
  }
}

}  // namespace

absl::Status SegmentWriter::Write(ByteView batch, const BatchStamp& stamp) {
  CHECK(room_.Has(batch.size()));
  if (room_.mapped) {
    std::byte* const at = map_->data() + room_.position;
    std::memcpy(at, batch.data(), batch.size());
    Stamp({at, batch.size()}, stamp);
  } else {
    RETURN_IF_ERROR(WriteThroughFile(batch, stamp));
  }
  room_.position += batch.size();
  return absl::OkStatus();
}

// The batch is the caller's and const, and the kernel must see the stamp in the first write, so it is stamped
// in a copy. A write that fails midway leaves bytes that nobody was shown: the next one covers them.
absl::Status SegmentWriter::WriteThroughFile(ByteView batch, const BatchStamp& stamp) {
  thread_local Bytes scratch;
  scratch.assign(batch.begin(), batch.end());
  Stamp(scratch, stamp);
  const absl::Status written = file_->WriteAt(room_.position, scratch);
  if (scratch.capacity() > kScratchKept) {
    Bytes().swap(scratch);
  }
  return written;
}

void SegmentWriter::SetMap(std::shared_ptr<Mapping> map) {
  map_ = std::move(map);
  room_.mapped = true;
  room_.populated = room_.position;
}

void SegmentWriter::RaiseLimit(uint64_t limit) {
  CHECK_EQ(room_.position, 0u);
  CHECK_GE(limit, room_.limit);
  room_.limit = limit;
  TakeMap();
}

std::shared_ptr<Mapping> SegmentWriter::TakeMap() {
  room_.mapped = false;
  return std::exchange(map_, nullptr);
}

}  // namespace sluice::storage
