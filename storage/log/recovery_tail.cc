#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "storage/log/recovery_run.h"
#include "storage/log/tail_check.h"

namespace sluice::storage {

// A segment that ends where the next one begins was sealed there, whatever stands behind its end.
absl::Status Recovery::FinishSegment(size_t index, const Walked& walked, bool* is_last) {
  *is_last = index + 1 == bases_.size();
  if (!*is_last && walked.end.offset == bases_[index + 1]) {
    return Seal(walked);
  }
  if (walked.end.offset < out_.compaction.gaps_below) {
    return DamagedAt(walked.segment->path(), walked.end.position,
                     absl::StrCat("no valid batch of offset ", walked.end.offset.value(),
                                  " or later here, in a part of the log that was compacted and on the disk"),
                     walked.end.offset);
  }
  ASSIGN_OR_RETURN(const TailVerdict tail,
                   CheckTail(*walked.file, walked.end.position, walked.file_size,
                             {.offset = walked.end.offset, .epoch_min = epochs_.latest()}));
  bool later = false;
  if (!*is_last) {
    ASSIGN_OR_RETURN(later, LaterHoldBatches(index));
  }
  const bool damaged = tail.kind == TailVerdict::Kind::kDamaged;
  if (!in_.after.clean && WasAcknowledged(walked.end)) {
    return DamagedAt(
        walked.segment->path(), walked.end.position,
        absl::StrCat("no valid batch of offset ", walked.end.offset.value(),
                     " here, and records up to offset ", acknowledged_->offset.value(), " were on the disk"),
        walked.end.offset);
  }
  const bool may_have_holes = MayHaveHoles(index, walked);
  if (damaged && ((later && in_.after.journal == nullptr) || !may_have_holes)) {
    return DamagedAt(walked.segment->path(), walked.end.position,
                     absl::StrCat("no valid batch of offset ", walked.end.offset.value(),
                                  " here, but one follows at byte ", tail.later_position),
                     walked.end.offset);
  }
  if (later && !(may_have_holes && in_.after.journal != nullptr)) {
    return DamagedAt(walked.segment->path(), walked.end.position,
                     absl::StrCat("the segment ends at offset ", walked.end.offset.value(),
                                  " and the next begins at ", bases_[index + 1].value()),
                     walked.end.offset);
  }
  if (damaged || later) {
    out_.lost = Loss(walked);
  }
  if (in_.after.clean && tail.kind == TailVerdict::Kind::kTorn) {
    return DamagedAt(walked.segment->path(), walked.end.position,
                     "no valid batch here, although the broker stopped in order", walked.end.offset);
  }
  *is_last = true;
  for (size_t i = index + 1; i < bases_.size(); ++i) {  // Made shortly before a power cut; they hold nothing.
    RETURN_IF_ERROR(in_.disk.Unlink(Path(i)));
  }
  if (index + 1 < bases_.size()) {  // One that came back would stand among segments made later.
    RETURN_IF_ERROR(in_.disk.SyncDirectory(in_.directory));
  }
  out_.end = walked.end;
  if (tail.kind != TailVerdict::Kind::kClean) {
    // With no good batch in it, it is left to be replaced: see PartitionLog::BeginSegment.
    return walked.end.position > 0 ? Seal(walked) : absl::OkStatus();
  }
  out_.segments.push_back({walked.segment, false, {}, 0});
  return absl::OkStatus();
}

bool Recovery::WasAcknowledged(const LogPosition& position) const {
  return acknowledged_ && position < *acknowledged_;
}

// Behind what checkpoint and journal vouch for, a log of either kind has promised nothing. Without both that
// is known of the first segment of a page-cache log only: of the others, most was synced long ago, and the
// index that knew it is gone.
bool Recovery::MayHaveHoles(size_t index, const Walked& walked) const {
  if (in_.after.clean || WasAcknowledged(walked.end)) {
    return false;
  }
  if (in_.after.journal != nullptr && !out_.page_cache) {
    return in_.after.index_is_current || !in_.after.journal->empty();
  }
  return out_.page_cache && (checkpoint_ || index == 0);
}

std::string Recovery::Loss(const Walked& walked) const {
  return absl::StrCat(
      walked.segment->path(), ": cut at byte ", walked.end.position, ", offset ", walked.end.offset.value(),
      ", because a batch there is missing or not whole; the batches behind it went with it. A "
      "power cut lost what was in the page cache only; nothing acknowledged as durable is "
      "gone");
}

absl::StatusOr<bool> Recovery::LaterHoldBatches(size_t index) {
  for (size_t i = index + 1; i < bases_.size(); ++i) {
    ASSIGN_OR_RETURN(const std::unique_ptr<File> file, in_.disk.Open(Path(i), Disk::OpenMode::kReadOnly));
    ASSIGN_OR_RETURN(const uint64_t size, file->Size());
    ASSIGN_OR_RETURN(const TailVerdict content,
                     CheckTail(*file, 0, size, {.offset = bases_[i], .epoch_min = epochs_.latest()}));
    if (content.kind == TailVerdict::Kind::kDamaged) {
      return true;
    }
  }
  return false;
}

// Synced at once: what was cut off must not come back beside what the log goes on with.
absl::Status Recovery::Seal(const Walked& walked) {
  if (walked.file_size > walked.end.position) {
    RETURN_IF_ERROR(walked.file->Truncate(walked.end.position));
    RETURN_IF_ERROR(walked.file->Sync());
  }
  update_.sealed.push_back(
      {walked.segment->base(), walked.end.offset, walked.end.position, walked.segment->max_timestamp_ms()});
  out_.end = walked.end;
  out_.segments.push_back({walked.segment, true, walked.end.offset, walked.end.position});
  return absl::OkStatus();
}

}  // namespace sluice::storage
