#include "storage/log/recovery.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "storage/log/damage.h"
#include "storage/log/journal_replay.h"
#include "storage/log/log_start.h"
#include "storage/log/recovery_run.h"
#include "storage/log/segment_swap.h"

namespace sluice::storage {

absl::Status Recovery::DamagedAt(const std::string& path, uint64_t position, absl::string_view what,
                                 std::optional<Offset> lost_from) const {
  Damage damage{.file = path.substr(in_.directory.size() + 1),
                .byte = position,
                .offset = Offset(0),
                .reason = std::string(what)};
  damage.offset = lost_from.value_or(ParseSegmentFileName(damage.file).value_or(Offset(0)));
  damage.durable = acknowledged_;
  return DamageError(damage, in_.directory);
}

absl::Status Recovery::ListSegments() {
  ASSIGN_OR_RETURN(std::vector<std::string> names, in_.disk.List(in_.directory));
  ASSIGN_OR_RETURN(out_.compaction, ReadCompactionState(in_.disk, in_.directory));
  ASSIGN_OR_RETURN(const bool swapped, FinishSwaps(in_.disk, in_.directory, names));
  if (swapped) {
    ASSIGN_OR_RETURN(names, in_.disk.List(in_.directory));
  }
  out_.page_cache = std::find(names.begin(), names.end(), kPageCacheName) != names.end();
  for (const std::string& name : names) {
    if (const std::optional<Offset> base = ParseSegmentFileName(name)) {
      bases_.push_back(*base);
    } else if (name == kPreparedName || absl::EndsWith(name, kDeletedSuffix)) {
      RETURN_IF_ERROR(in_.disk.Unlink(Path(name)));
    }
  }
  return absl::OkStatus();
}

// A checkpoint that this version cannot use is as good as none. One that names a segment before the first, or
// that was compacted since, is old (the index was put back from a backup): its producers still count, but all
// segments are walked.
absl::Status Recovery::LoadCheckpoint() {
  ASSIGN_OR_RETURN(checkpoint_, in_.index.ReadCheckpoint(in_.id));
  if (!checkpoint_) {
    return absl::OkStatus();
  }
  absl::StatusOr<LogState> state = DecodeLogState(checkpoint_->state);
  if (!state.ok()) {
    checkpoint_.reset();
    return absl::OkStatus();
  }
  if (bases_.empty() || checkpoint_->segment_base > bases_.back()) {
    return DamagedAt(Path(SegmentFileName(checkpoint_->segment_base)), checkpoint_->position,
                     absl::StrCat("the segment is missing, and records up to offset ",
                                  checkpoint_->next_offset.value(), " were on the disk"));
  }
  out_.state = *std::move(state);
  feeder_ = IndexFeeder(out_.state.max_timestamp_ms);
  epochs_ = EpochCache(out_.state.epochs);
  if (checkpoint_->segment_base < std::max(bases_.front(), out_.compaction.gaps_below)) {
    checkpoint_.reset();
  }
  return absl::OkStatus();
}

// The checkpoint's position is durable; without a journal that is all that is known. So is what was
// compacted, where the journal's positions mean nothing any more: they are of the files before. It ends with
// a segment.
absl::Status Recovery::Replay() {
  if (checkpoint_) {
    acknowledged_ = LogPosition{checkpoint_->next_offset, checkpoint_->segment_base, checkpoint_->position};
  }
  if (const Offset compacted = out_.compaction.gaps_below; compacted > Offset(0)) {
    acknowledged_ = std::max(acknowledged_.value_or(LogPosition()), LogPosition{compacted, compacted, 0});
  }
  if (in_.after.clean || in_.after.journal == nullptr || in_.after.journal->empty()) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(acknowledged_, ReplayJournal({.disk = in_.disk,
                                                 .directory = in_.directory,
                                                 .entries = *in_.after.journal,
                                                 .known = acknowledged_.value_or(LogPosition())},
                                                &bases_));
  return absl::OkStatus();
}

absl::StatusOr<RecoveredLog> Recovery::Run() {
  RETURN_IF_ERROR(ListSegments());
  RETURN_IF_ERROR(LoadCheckpoint());
  RETURN_IF_ERROR(Replay());
  if (bases_.empty()) {
    return std::move(out_);
  }
  size_t first_walked = 0;
  if (checkpoint_) {
    ASSIGN_OR_RETURN(const std::vector<SegmentEntry> sealed, in_.index.SealedSegments(in_.id));
    std::map<Offset, SegmentEntry> known;
    for (const SegmentEntry& entry : sealed) {
      known.emplace(entry.base_offset, entry);
    }
    while (bases_[first_walked] < checkpoint_->segment_base) {
      RETURN_IF_ERROR(TakeSealed(first_walked++, known));
    }
    if (bases_[first_walked] != checkpoint_->segment_base) {
      return DamagedAt(Path(SegmentFileName(checkpoint_->segment_base)), 0, "the segment is missing");
    }
  }
  if (!in_.after.clean || !checkpoint_) {
    RETURN_IF_ERROR(in_.index.TruncateFrom(in_.id, checkpoint_ ? checkpoint_->next_offset : bases_.front()));
  }
  RETURN_IF_ERROR(WalkFrom(first_walked));
  RETURN_IF_ERROR(FlushEntries());
  ASSIGN_OR_RETURN(const std::optional<Offset> told, ReadLogStart(in_.disk, in_.directory));
  out_.state.log_start =
      std::clamp(std::max(out_.state.log_start, told.value_or(Offset())), bases_.front(), out_.end.offset);
  out_.state.max_timestamp_ms = feeder_.max_timestamp_ms();
  out_.state.epochs = epochs_.starts();
  return std::move(out_);
}

absl::Status Recovery::FlushEntries() {
  RETURN_IF_ERROR(in_.index.Write(in_.id, update_));
  update_ = IndexUpdate();
  return absl::OkStatus();
}

absl::StatusOr<RecoveredLog> RecoverLog(const RecoveryInput& input) {
  return Recovery(input).Run();
}

}  // namespace sluice::storage
