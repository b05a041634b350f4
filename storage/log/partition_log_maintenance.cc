// What age and configuration bring about, apart from any append.
#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "storage/log/log_start.h"
#include "storage/log/partition_log.h"
#include "storage/log/retention.h"
#include "storage/log/segment_name.h"

namespace sluice::storage {
namespace {

// How late age may strike a log that is idle.
constexpr absl::Duration kRest = absl::Seconds(30);

}  // namespace

void PartitionLog::Maintain() {
  if (!gate_.Enter()) {
    return;
  }
  if (!Rests()) {
    MaintainNow();
  }
  gate_.Leave();
}

// Most of many logs are idle: looked at each second, they would take a core from those that are not.
bool PartitionLog::Rests() {
  if (context_.clock.Monotonic() >= absl::Microseconds(rests_until_us_.load(std::memory_order_relaxed))) {
    return false;
  }
  absl::MutexLock lock(&append_mu_);
  return !appended_since_tick_;
}

void PartitionLog::MaintainNow() {
  absl::MutexLock maintenance(&maintenance_mu_);
  rests_until_us_.store(0, std::memory_order_relaxed);  // Whoever stirs the log from now on keeps it awake.
  const int64_t now_ms = context_.clock.NowMs();
  RollByAge(now_ms);
  ApplyRetention(now_ms);
  FlushByAge();
  const bool idle = GiveBackWhenIdle();
  CloseIdleFiles();
  bool unlinks_wait = false;
  bool unlinks_due = false;
  {
    absl::MutexLock lock(&unlink_mu_);
    unlinks_wait = !due_unlinks_.empty();
    for (const DueUnlink& unlink : due_unlinks_) {
      unlinks_due = unlinks_due || unlink.due <= context_.clock.Monotonic();
    }
  }
  if (unlinks_due) {
    Post(&PartitionLog::UnlinkDue);
  }
  if (idle && !unlinks_wait && flushed_.Get() == end_.Get()) {
    rests_until_us_.store(absl::ToInt64Microseconds(context_.clock.Monotonic() + kRest),
                          std::memory_order_relaxed);
  }
}

void PartitionLog::RollByAge(int64_t now_ms) {
  bool due;
  {
    absl::MutexLock lock(&append_mu_);
    due = options_known_ && NeedsRoll(0, now_ms);
    producers_.Expire(now_ms - context_.limits.producer_id_expiration_ms);
  }
  if (due) {
    MakeRoom(0, now_ms).IgnoreError();  // The next append meets the same error and reports it.
  }
}

void PartitionLog::ApplyRetention(int64_t now_ms) {
  RetentionRules rules;
  {
    absl::MutexLock lock(&append_mu_);
    if (!options_known_) {
      return;
    }
    if (!options_.cleanup_delete) {
      return;
    }
    rules = {options_.retention_ms, options_.retention_bytes};
  }
  const LogPosition end = end_.Get();
  std::vector<SegmentSummary> row;
  for (const SegmentInfo& info : segments_.All()) {
    const LogPosition segment_end = LogReader::EndOf(info, end);
    row.push_back({info.base(), segment_end.offset, segment_end.position, NewestMs(*info.segment)});
  }
  const RetentionDecision decision = DecideRetention(row, rules, now_ms);
  if (decision.roll_active) {
    absl::MutexLock upkeep(&upkeep_mu_);
    if (Roll().ok()) {
      Post(&PartitionLog::FinishRolls);
    }
  }
  if (decision.drop_count > 0) {
    const Offset start = std::min(row[decision.drop_count - 1].next_offset, durable_end());
    MoveStart(start).IgnoreError();  // Tried again with the next round.
  }
}

// As in Kafka: records that tell no time are as old as their file. One that cannot be asked stays for now.
int64_t PartitionLog::NewestMs(Segment& segment) const {
  if (segment.max_timestamp_ms() >= 0) {
    return segment.max_timestamp_ms();
  }
  if (segment.last_append_ms() == Segment::kNotKnown) {
    segment.SetLastAppend(context_.disk.ModifiedMs(segment.path()).value_or(Segment::kNotKnown));
  }
  return segment.last_append_ms();
}

void PartitionLog::FlushByAge() {
  const absl::Duration now = context_.clock.Monotonic();
  int64_t flush_ms;
  {
    absl::MutexLock lock(&append_mu_);
    flush_ms = options_.flush_ms;
  }
  if (end() == durable_end()) {
    last_synced_ = now;
  } else if (flush_ms != LogOptions::kNever && now - last_synced_ >= absl::Milliseconds(flush_ms)) {
    last_synced_ = now;
    RequestSync();
  }
}

// True when nothing was appended for so long. What an earlier run left behind the end goes, too.
bool PartitionLog::GiveBackWhenIdle() {
  const absl::Duration now = context_.clock.Monotonic();
  {
    absl::MutexLock lock(&append_mu_);
    if (std::exchange(appended_since_tick_, false)) {
      last_append_ = now;
      gave_back_ = false;
    }
    if (now - last_append_ < absl::Milliseconds(context_.limits.idle_unmap_ms)) {
      return false;
    }
  }
  if (!std::exchange(gave_back_, true)) {
    GiveBack();
  }
  return true;
}

// First the room is taken from the appends: they say kWouldBlock, and who may block waits for upkeep_mu_ and
// allocates again. So nobody writes behind the end while the file is cut there.
void PartitionLog::GiveBack() {
  std::shared_ptr<Mapping> map;  // Unmapped at the end, outside the locks.
  absl::MutexLock upkeep(&upkeep_mu_);
  if (prepared_) {
    prepared_.reset();
    context_.disk.Unlink(PathOf(kPreparedName)).IgnoreError();  // The next one replaces it.
  }
  std::shared_ptr<File> file;
  uint64_t position = 0;
  {
    absl::MutexLock lock(&append_mu_);
    map = writer_->TakeMap();
    writer_->SetNextPrepared(false);
    writer_->GiveBackRoom();
    file = writer_->file();
    position = writer_->position();
  }
  file->Truncate(position)
      .IgnoreError();  // What stays allocated is allocated again, or cut when it is sealed.
}

// Sealed segments keep a descriptor only while they are read, and until all of them is on the disk.
void PartitionLog::CloseIdleFiles() {
  const Offset flushed_base = flushed_.Get().segment_base;
  for (const SegmentInfo& info : segments_.All()) {
    if (info.sealed && info.base() < flushed_base) {
      info.segment->CloseFileIfIdle();
    }
  }
}

// Only of what is on the disk: a page that was not written yet proves nothing about the disk.
std::optional<SegmentInfo> PartitionLog::NextSealed(Offset at_or_after) const {
  std::optional<SegmentInfo> next = segments_.AtOrAfter(at_or_after);
  const bool is_durable = next && next->sealed && next->base() < durable_.Get().segment_base;
  return !closed() && is_durable ? next : std::nullopt;
}

absl::Status PartitionLog::AdvanceStart(Offset start) {
  RETURN_IF_ERROR(health());
  if (!gate_.Enter()) {
    return ClosedError();
  }
  const absl::Status advanced = AdvanceInside(start);
  gate_.Leave();
  return advanced;
}

// Behind the gate, because it renames files: see Abandon().
absl::Status PartitionLog::AdvanceInside(Offset start) {
  if (start > end()) {
    return absl::OutOfRangeError(absl::StrCat("log ", directory_, ": cannot start at offset ", start.value(),
                                              ", its end is ", end().value()));
  }
  absl::MutexLock maintenance(&maintenance_mu_);  // Or an earlier start could be written over a later one.
  RETURN_IF_ERROR(SyncNow(/*publish=*/true));     // Or the start would lie behind the durable end.
  // Also when the log starts there already: whoever moved it may not have made that durable yet, or failed
  // to.
  RETURN_IF_ERROR(WriteLogStart(context_.disk, directory_, std::max(start, this->start())));
  return MoveStart(start);
}

// The new start is in a checkpoint before the first file goes.
absl::Status PartitionLog::MoveStart(Offset start) {
  {
    absl::MutexLock lock(&append_mu_);
    start = std::max(start, this->start());
    start_.store(start.value(), std::memory_order_release);
    absl::MutexLock epochs(&epochs_mu_);
    epochs_.TrimBefore(start);
  }
  Notify();
  RETURN_IF_ERROR(WriteCheckpoint());
  return DropSegmentsBefore(start);
}

absl::Status PartitionLog::DropSegmentsBefore(Offset start) {
  int64_t delay_ms;
  {
    absl::MutexLock lock(&append_mu_);
    delay_ms = options_.file_delete_delay_ms;
  }
  const absl::Duration due = context_.clock.Monotonic() + absl::Milliseconds(delay_ms);
  absl::MutexLock files(&files_mu_);
  absl::Status status;
  const std::vector<SegmentInfo> removed = segments_.RemoveBefore(start);
  bool in_order = !AnyKeepsItsName();
  for (const SegmentInfo& info : removed) {
    const std::string path = info.segment->path();
    const std::string deleted = absl::StrCat(path, kDeletedSuffix);
    if (in_order) {
      const absl::Status renamed = context_.disk.Rename(path, deleted);
      status.Update(renamed);
      in_order = renamed.ok();
    }
    absl::MutexLock lock(&unlink_mu_);
    due_unlinks_.push_back({in_order ? deleted : path, due, info.segment});
    Stir();
  }
  if (!removed.empty()) {
    // By whole segments, so that lookups in the first one still find its entries.
    context_.index.DropBefore(id_, removed.back().next_offset);
  }
  return status;
}

// A segment whose renaming failed still counts as one at the next start. The files of a log go from the
// front, without a gap, so none behind it may go before it does.
bool PartitionLog::AnyKeepsItsName() {
  absl::MutexLock lock(&unlink_mu_);
  return std::any_of(due_unlinks_.begin(), due_unlinks_.end(),
                     [](const DueUnlink& unlink) { return !absl::EndsWith(unlink.path, kDeletedSuffix); });
}

void PartitionLog::UnlinkDue() {
  const absl::Duration now = context_.clock.Monotonic();
  std::vector<DueUnlink> due;
  {
    absl::MutexLock lock(&unlink_mu_);
    const auto first_due = std::stable_partition(due_unlinks_.begin(), due_unlinks_.end(),
                                                 [now](const DueUnlink& unlink) { return unlink.due > now; });
    due.assign(std::make_move_iterator(first_due), std::make_move_iterator(due_unlinks_.end()));
    due_unlinks_.erase(first_due, due_unlinks_.end());
  }
  std::vector<DueUnlink> kept;
  for (DueUnlink& unlink : due) {
    if (absl::EndsWith(unlink.path, kDeletedSuffix)) {
      context_.disk.Unlink(unlink.path).IgnoreError();  // Left behind, it is removed at the next start.
    } else if (!kept.empty() || !context_.disk.Unlink(unlink.path).ok()) {
      kept.push_back(std::move(unlink));  // Tried again with the next round.
    }
  }
  absl::MutexLock lock(&unlink_mu_);
  due_unlinks_.insert(due_unlinks_.begin(), std::make_move_iterator(kept.begin()),
                      std::make_move_iterator(kept.end()));
}

absl::StatusOr<std::optional<OffsetAndTimestamp>> PartitionLog::FindTimestamp(int64_t timestamp_ms,
                                                                              Offset limit) {
  if (closed()) {
    return ClosedError();
  }
  RETURN_IF_ERROR(health());
  RETURN_IF_ERROR(Drain());
  return times_.FirstAtOrAfter(timestamp_ms, start(), std::min(limit, end()));
}

absl::StatusOr<std::optional<OffsetAndTimestamp>> PartitionLog::FindMaxTimestamp(Offset limit) {
  if (closed()) {
    return ClosedError();
  }
  RETURN_IF_ERROR(health());
  RETURN_IF_ERROR(Drain());
  return times_.Largest(start(), std::min(limit, end()));
}

}  // namespace sluice::storage
