// A log's side of the journal: which bytes wait for it, and what to do once they are in it.
#include "proto/base/status_macros.h"
#include "storage/log/partition_log.h"

namespace sluice::storage {
namespace {

constexpr uint64_t kPage = 4096;

}  // namespace

// A log that is being opened or closed answers for its segments alone.
bool PartitionLog::journaled() const {
  return context_.syncs.keeps_journal() && synced_.load(std::memory_order_acquire) &&
         live_.load(std::memory_order_acquire) && !closed();
}

SyncTarget::Gathered PartitionLog::Gather(const GatherLimits& limits, JournalBatch* batch, LogPosition* end) {
  if (closed()) {
    return Gathered::kNothing;
  }
  if (!journaled()) {
    return Gathered::kSyncSegments;
  }
  const LogPosition durable = durable_.Get();
  const LogPosition flushed = flushed_.Get();
  *end = end_.Get();
  const LogPosition from = std::max(durable, flushed);
  const std::vector<Stretch> stretches = StretchesBetween(from, *end);
  uint64_t bytes = 0;
  for (const Stretch& stretch : stretches) {
    bytes += stretch.size;
  }
  const bool too_much = bytes >= limits.log_bytes_max;
  if (too_much) {
    *end = flushed;
  }
  if (bytes == 0 && !(durable < flushed)) {
    PublishDurable(*end);  // Nothing new, or a new segment without a byte in it.
    return Gathered::kNothing;
  }
  if (!(durable < *end)) {
    return too_much ? Gathered::kSyncSegments : Gathered::kNothing;
  }
  if (batch->SizeWith(stretches.size() + 1, too_much ? 0 : bytes) > limits.block_bytes_max) {
    return Gathered::kNoRoom;
  }
  if (durable < flushed) {
    batch->AddMark({id_, flushed.segment_base, flushed.position, 0, flushed.offset});
  }
  if (too_much) {
    RequestSync();  // The mark goes now; the rest is looked at again.
    return Gathered::kTaken;
  }
  for (const Stretch& stretch : stretches) {
    if (!AddStretch(stretch, limits, batch)) {
      return Gathered::kNothing;
    }
  }
  return Gathered::kTaken;
}

std::vector<PartitionLog::Stretch> PartitionLog::StretchesBetween(const LogPosition& from,
                                                                  const LogPosition& to) const {
  std::vector<Stretch> stretches;
  for (const SegmentInfo& info : segments_.Between(from.segment_base, to.segment_base)) {
    const bool is_last = info.base() == to.segment_base;
    const uint64_t begin = info.base() == from.segment_base ? from.position : 0;
    const uint64_t end = is_last ? to.position : info.size_bytes;
    if (begin < end) {
      stretches.push_back({info, begin, end - begin, is_last ? to.offset : info.next_offset});
    }
  }
  return stretches;
}

// Straight from the map while there is one; else from the file, which is the page cache as well. A file that
// cannot be read is as bad as one that cannot be synced.
bool PartitionLog::AddStretch(const Stretch& stretch, const GatherLimits& limits, JournalBatch* batch) {
  const JournalEntry entry{id_, stretch.info.base(), stretch.position, stretch.size, stretch.end_offset};
  if (std::shared_ptr<Mapping> map = MapOf(stretch.info.base()); map != nullptr) {
    const ByteView bytes(map->data() + stretch.position, stretch.size);
    batch->Add(entry, bytes, std::move(map));
    return true;
  }
  const MutableByteView bytes = batch->Scratch(stretch.size, limits.block_bytes_max);
  const auto read = [&]() -> absl::Status {
    ASSIGN_OR_RETURN(const std::shared_ptr<File> file, stretch.info.segment->OpenFile());
    ASSIGN_OR_RETURN(const size_t got, file->ReadAt(stretch.position, bytes));
    return got == bytes.size() ? absl::OkStatus() : absl::DataLossError("the file is shorter than the log");
  };
  if (const absl::Status status = read(); !status.ok()) {
    context_.failure.Raise(WithContext(status, stretch.info.segment->path()));
    return false;
  }
  batch->Add(entry, bytes, nullptr);
  return true;
}

std::shared_ptr<Mapping> PartitionLog::MapOf(Offset segment_base) {
  absl::MutexLock lock(&append_mu_);
  if (active_->base() == segment_base) {
    return writer_->map();
  }
  for (const Rolled& rolled : rolled_) {
    if (rolled.base == segment_base) {
      return rolled.writer->map();
    }
  }
  return nullptr;
}

void PartitionLog::PublishDurable(const LogPosition& end) {
  if (durable_.Advance(end)) {
    Notify();
  }
}

// But for the last page, which most often is not full yet: it would be written twice.
void PartitionLog::StartFlush() {
  const LogPosition from = flushed_.Get();  // Read first: it follows the end.
  for (const Stretch& stretch : StretchesBetween(from, end_.Get())) {
    const uint64_t end = (stretch.position + stretch.size) / kPage * kPage;
    const absl::StatusOr<std::shared_ptr<File>> file = stretch.info.segment->OpenFile();
    if (!file.ok() || end <= stretch.position) {
      continue;  // What cannot be opened was dropped, or the sync will tell.
    }
    if (!StartWriteback(**file, stretch.position, end - stretch.position).ok()) {
      return;
    }
  }
}

size_t PartitionLog::unsynced_segments() const {
  const LogPosition from = flushed_.Get();
  return StretchesBetween(from, end_.Get()).size();
}

// Without the index, what counts is that the segments hold it. A log that was deleted needs nothing any more.
bool PartitionLog::FlushBehind() {
  if (WriteCheckpoint().ok() || abandoned_.load(std::memory_order_acquire)) {
    return true;
  }
  SyncNow().IgnoreError();
  return false;
}

}  // namespace sluice::storage
