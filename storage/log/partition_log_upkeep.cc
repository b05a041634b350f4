// Room for appends, ahead of them where possible: allocation, maps, populated pages, the next segment.
#include <utility>

#include "proto/base/check.h"
#include "proto/base/status_macros.h"
#include "storage/log/partition_log.h"
#include "storage/log/segment_name.h"

namespace sluice::storage {

absl::Status PartitionLog::MakeRoom(uint64_t size_bytes, int64_t now_ms) {
  bool rolled = false;
  absl::Status status;
  {
    absl::MutexLock upkeep(&upkeep_mu_);
    status = MakeRoomLocked(size_bytes, now_ms, &rolled);
  }
  if (rolled) {
    Post(&PartitionLog::FinishRolls);
  }
  return status;
}

absl::Status PartitionLog::MakeRoomLocked(uint64_t size_bytes, int64_t now_ms, bool* rolled) {
  while (true) {
    RoomStep step;
    std::shared_ptr<SegmentWriter> writer;
    bool roll = false;
    {
      absl::MutexLock lock(&append_mu_);
      if (closed()) {
        return absl::OkStatus();  // The next try says so.
      }
      roll = NeedsRoll(size_bytes, now_ms);
      if (!roll && size_bytes > writer_->room().limit) {  // segment.bytes grew while the segment was empty.
        writer_->RaiseLimit(static_cast<uint64_t>(options_.segment_bytes));
      }
      writer = writer_;
      step = roll ? RoomStep() : StepForBatch(writer_->room(), size_bytes);
    }
    if (roll) {
      RETURN_IF_ERROR(Roll());
      *rolled = true;
      continue;
    }
    if (step.kind == RoomStep::Kind::kNone) {
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(TakeStep(writer, step, size_bytes));
  }
}

// Ahead of need: an error here is none yet. Whoever then finds no room tries again and reports it.
void PartitionLog::Upkeep() {
  absl::MutexLock upkeep(&upkeep_mu_);
  while (true) {
    RoomStep step;
    std::shared_ptr<SegmentWriter> writer;
    {
      absl::MutexLock lock(&append_mu_);
      writer = writer_;
      step = closed() ? RoomStep() : StepAhead(writer->room());
      if (step.kind == RoomStep::Kind::kNone) {
        upkeep_queued_ = false;
        return;
      }
    }
    if (!TakeStep(writer, step, step.size).ok()) {
      absl::MutexLock lock(&append_mu_);
      upkeep_queued_ = false;
      return;
    }
  }
}

absl::Status PartitionLog::TakeStep(const std::shared_ptr<SegmentWriter>& writer, const RoomStep& step,
                                    uint64_t size_needed) {
  switch (step.kind) {
    case RoomStep::Kind::kMap: {
      ASSIGN_OR_RETURN(std::unique_ptr<Mapping> map, writer->file()->Map(step.size));
      absl::MutexLock lock(&append_mu_);
      writer->SetMap(std::move(map));
      return absl::OkStatus();
    }
    case RoomStep::Kind::kAllocate:
      return AllocateMore(*writer, step, size_needed);
    case RoomStep::Kind::kPopulate: {
      RETURN_IF_ERROR(writer->map()->Populate(step.position, step.size));
      absl::MutexLock lock(&append_mu_);
      writer->SetPopulated(step.position + step.size);
      return absl::OkStatus();
    }
    case RoomStep::Kind::kStartWriteback: {
      RETURN_IF_ERROR(StartWriteback(*writer->file(), step.position, step.size));
      absl::MutexLock lock(&append_mu_);
      writer->SetWrittenBack(step.position + step.size);
      return absl::OkStatus();
    }
    case RoomStep::Kind::kPrepareNext: {
      RETURN_IF_ERROR(PrepareNext());
      absl::MutexLock lock(&append_mu_);
      writer->SetNextPrepared(true);
      return absl::OkStatus();
    }
    case RoomStep::Kind::kNone:
      break;
  }
  return absl::OkStatus();
}

// On a disk that is nearly full, no more than the batch needs.
absl::Status PartitionLog::AllocateMore(SegmentWriter& writer, const RoomStep& step, uint64_t size_needed) {
  uint64_t size = step.size;
  absl::Status status = writer.file()->Allocate(step.position, size);
  if (absl::IsResourceExhausted(status) && size_needed < size) {
    uint64_t position;
    {
      absl::MutexLock lock(&append_mu_);
      position = writer.position();
    }
    size = position + size_needed - step.position;
    status = writer.file()->Allocate(step.position, size);
  }
  RETURN_IF_ERROR(status);
  absl::MutexLock lock(&append_mu_);
  writer.SetAllocated(step.position + size);
  return absl::OkStatus();
}

absl::Status PartitionLog::PrepareNext() {
  Prepared next;
  uint64_t previous_bytes;
  {
    absl::MutexLock lock(&append_mu_);
    previous_bytes = writer_->position();
    next.room.sync_stride = writer_->room().sync_stride;
    next.room.limit = static_cast<uint64_t>(options_.segment_bytes);
    next.room.wants_map = options_.append_method == AppendMethod::kMmap;
    next.room.map_from = static_cast<uint64_t>(options_.map_from_bytes);
  }
  const std::string path = PathOf(kPreparedName);
  prepared_.reset();
  if (context_.disk.Exists(path)) {
    RETURN_IF_ERROR(context_.disk.Unlink(path));
  }
  ASSIGN_OR_RETURN(next.file, context_.disk.Open(path, Disk::OpenMode::kCreateNew));
  const uint64_t extent = FirstExtent(previous_bytes, next.room.limit);
  if (next.file->Allocate(0, extent).ok()) {  // No room is an error only for a batch that needs it.
    next.room.allocated = extent;
  }
  if (next.room.LacksMap()) {
    ASSIGN_OR_RETURN(next.map, next.file->Map(next.room.limit));
    next.room.mapped = true;
    next.room.populated = std::min(next.room.allocated, PopulateAhead(previous_bytes, next.room.sync_stride));
    RETURN_IF_ERROR(next.map->Populate(0, next.room.populated));
  }
  prepared_ = std::move(next);
  return absl::OkStatus();
}

// Appends wait meanwhile (TryAppend says so), because the new file is named by the offset they would take.
// Whoever wants to roll decided it before getting upkeep_mu_: an empty segment was rolled by someone else
// since, and its file would be replaced by one of the same name.
absl::Status PartitionLog::Roll() {
  Offset base;
  uint64_t limit;
  bool wants_map;
  {
    absl::MutexLock lock(&append_mu_);
    if (closed() || writer_->position() == 0) {
      return absl::OkStatus();
    }
    rolling_ = true;
    base = next_offset_;
    limit = static_cast<uint64_t>(options_.segment_bytes);
    wants_map = options_.append_method == AppendMethod::kMmap;
  }
  absl::Status status;
  if (!prepared_ || prepared_->room.limit != limit || prepared_->room.wants_map != wants_map) {
    status = PrepareNext();
  }
  if (status.ok()) {
    status = context_.disk.Rename(PathOf(kPreparedName), PathOf(SegmentFileName(base)));
  }
  if (status.ok()) {
    Install(base, *std::exchange(prepared_, std::nullopt));
  }
  absl::MutexLock lock(&append_mu_);
  rolling_ = false;
  return status;
}

// The directory entry is made durable by the first sync that covers the segment.
void PartitionLog::Install(Offset base, Prepared prepared) {
  auto segment = std::make_shared<Segment>(context_.disk, PathOf(SegmentFileName(base)), base, prepared.file);
  auto writer =
      std::make_shared<SegmentWriter>(std::move(prepared.file), prepared.room, std::move(prepared.map));
  absl::MutexLock lock(&append_mu_);
  const uint64_t size = writer_->position();
  segments_.SealLast(base, size);
  segments_.Append({segment, false, {}, 0});
  sealed_pending_.push_back({active_->base(), base, size, active_->max_timestamp_ms()});
  rolled_.push_back({active_->base(), std::exchange(writer_, std::move(writer)), size});
  active_ = std::move(segment);
  first_append_ms_.reset();
  end_.Set({base, base, 0});
}

// Off the append path: unmapping, trimming and syncing take milliseconds. Nobody stores through the map any
// more: appends moved on under append_mu_, and populating it excludes rolling.
void PartitionLog::FinishRolls() {
  std::vector<Rolled> rolled;
  {
    absl::MutexLock lock(&append_mu_);
    rolled.swap(rolled_);
  }
  for (Rolled& old : rolled) {
    old.writer->TakeMap();
    // Should it fail, zeroes stay behind the last batch; recovery knows the size and trims them.
    old.writer->file()->Truncate(old.size_bytes).IgnoreError();
  }
  if (!rolled.empty()) {
    CheckpointTask();
  }
}

}  // namespace sluice::storage
