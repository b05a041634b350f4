// What reaches the segment files, and in which order: bytes, then the directory, then the published durable
// end; the index only after what it speaks of.
#include <utility>

#include "proto/base/status_macros.h"
#include "storage/log/partition_log.h"
#include "storage/log/segment_name.h"

namespace sluice::storage {

void PartitionLog::RequestSync() {
  // The flag is looked at again, in order with the append, by the scheduler.
  if (!closed()) {
    context_.syncs.Request(shared_from_this());
  }
}

absl::Status PartitionLog::SyncNow() {
  return SyncNow(!journaled());
}

absl::Status PartitionLog::SyncNow(bool publish) {
  LogPosition end;
  {
    absl::MutexLock sync(&sync_mu_);
    if (abandoned_.load(std::memory_order_acquire)) {
      return ClosedError();
    }
    if (context_.failure.raised()) {
      return context_.failure.status();
    }
    end = end_.Get();
    const LogPosition flushed = flushed_.Get();
    absl::Status synced = end == flushed ? absl::OkStatus() : SyncSegments(flushed, end);
    synced.Update(SettleMark());
    if (!synced.ok()) {
      context_.failure.Raise(synced);
      return synced;
    }
    flushed_.Set(end);
    NoteStride(flushed, end);
  }
  if (publish) {
    PublishDurable(end);
  } else if (durable_.Get() < end) {
    RequestSync();  // A mark in the journal.
  }
  return absl::OkStatus();
}

// Its error counts as one of a sync: the kernel may tell of it once only.
absl::Status PartitionLog::StartWriteback(File& file, uint64_t position, uint64_t size) {
  absl::Status started = file.StartWriteback(position, size);
  if (!started.ok()) {
    context_.failure.Raise(started);
  }
  return started;
}

// Only a stretch within one segment says how often it is synced.
void PartitionLog::NoteStride(const LogPosition& from, const LogPosition& to) {
  absl::MutexLock lock(&append_mu_);
  if (to.segment_base == active_->base() && from.segment_base == to.segment_base && from.position > 0 &&
      from.position < to.position) {
    writer_->SetSyncStride(to.position - from.position);
  }
}

// Recovery runs before anybody tells it the log's options, so what it may cut is marked in the directory. The
// mark goes before the first durable end that a synced log publishes; it may come late, or be forgotten.
absl::Status PartitionLog::SettleMark() {
  bool wanted;
  {
    absl::MutexLock lock(&append_mu_);
    if (!options_known_) {
      return absl::OkStatus();
    }
    wanted = options_.durability == Durability::kPageCache;
  }
  if (wanted == marked_page_cache_) {
    return absl::OkStatus();
  }
  const std::string path = PathOf(kPageCacheName);
  if (wanted) {
    RETURN_IF_ERROR(context_.disk.Open(path, Disk::OpenMode::kCreateNew).status());
  } else {
    RETURN_IF_ERROR(context_.disk.Unlink(path));
  }
  marked_page_cache_ = wanted;
  return context_.disk.SyncDirectory(directory_);
}

void PartitionLog::SettleMarkTask() {
  absl::MutexLock sync(&sync_mu_);
  SettleMark().IgnoreError();  // Without the mark, recovery refuses what it might have cut.
}

absl::Status PartitionLog::SyncSegments(const LogPosition& from, const LogPosition& to) {
  Offset last = directory_synced_to_;
  for (const SegmentInfo& info : segments_.Between(from.segment_base, to.segment_base)) {
    last = std::max(last, info.base());
    const bool was_synced =
        info.sealed && info.base() == from.segment_base && info.size_bytes == from.position;
    const bool is_empty = info.base() == to.segment_base && to.position == 0;
    if (was_synced || is_empty) {
      continue;
    }
    ASSIGN_OR_RETURN(const std::shared_ptr<File> file, info.segment->OpenFile());
    if (absl::Status synced = file->Sync(); !synced.ok()) {
      return WithContext(synced, info.segment->path());
    }
  }
  if (last > directory_synced_to_) {
    RETURN_IF_ERROR(context_.disk.SyncDirectory(directory_));
    directory_synced_to_ = last;
  }
  return absl::OkStatus();
}

// The state is taken together with the position that it belongs to; then that position is made durable; then
// both go into the index in one write.
absl::Status PartitionLog::WriteCheckpoint() {
  absl::MutexLock checkpoint(&checkpoint_mu_);
  LogState state;
  LogPosition position;
  IndexUpdate update;
  {
    absl::MutexLock lock(&append_mu_);
    position = end_.Get();
    update = tail_.Pending();
    update.sealed = sealed_pending_;
    state.log_start = start();
    state.max_timestamp_ms = feeder_.max_timestamp_ms();
    state.segment_max_timestamp_ms = active_->max_timestamp_ms();
    state.producers = producers_;
    bytes_since_checkpoint_ = 0;
    absl::MutexLock epochs(&epochs_mu_);
    state.epochs = epochs_.starts();
  }
  RETURN_IF_ERROR(SyncNow());
  update.checkpoint =
      Checkpoint{position.offset, position.segment_base, position.position, EncodeLogState(state)};
  RETURN_IF_ERROR(context_.index.Write(id_, update));
  tail_.MarkWritten(update);
  absl::MutexLock lock(&append_mu_);
  sealed_pending_.erase(sealed_pending_.begin(),
                        sealed_pending_.begin() + static_cast<std::ptrdiff_t>(update.sealed.size()));
  return absl::OkStatus();
}

// A checkpoint that fails leaves the one before: recovery walks further. Sync errors were raised already.
void PartitionLog::CheckpointTask() {
  WriteCheckpoint().IgnoreError();
}

absl::Status PartitionLog::Drain() {
  absl::MutexLock checkpoint(&checkpoint_mu_);
  const IndexUpdate update = tail_.Pending();
  const absl::Status written = context_.index.Write(id_, update);
  if (written.ok()) {
    tail_.MarkWritten(update);
  }
  return written;
}

void PartitionLog::DrainTask() {
  Drain().IgnoreError();  // The entries stay in memory, and are tried again with the next ones.
  absl::MutexLock lock(&append_mu_);
  drain_queued_ = false;
}

}  // namespace sluice::storage
