#include "storage/log/recovery.h"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "storage/log/batch_reader.h"
#include "storage/log/damage.h"
#include "storage/log/index_feeder.h"
#include "storage/log/journal_replay.h"
#include "storage/log/log_options.h"
#include "storage/log/log_start.h"
#include "storage/log/segment_name.h"
#include "storage/log/segment_swap.h"
#include "storage/log/tail_check.h"

namespace sluice::storage {
namespace {

// So many index entries are written at once.
constexpr size_t kIndexBatch = 4096;

class Recovery {
 public:
  explicit Recovery(const RecoveryInput& input) : in_(input) {}

  absl::StatusOr<RecoveredLog> Run();

 private:
  // A stretch of one file that was walked.
  struct Walked {
    std::shared_ptr<Segment> segment;
    std::shared_ptr<File> file;
    uint64_t file_size = 0;
    LogPosition end;
  };

  absl::Status ListSegments();
  absl::Status LoadCheckpoint();
  absl::Status Replay();
  absl::Status TakeSealed(size_t index, const std::map<Offset, SegmentEntry>& known);
  absl::StatusOr<SegmentEntry> MeasureSealed(size_t index);
  absl::Status WalkFrom(size_t index);
  Offset NextBase(size_t index) const;
  absl::StatusOr<Walked> Walk(size_t index, LogPosition from, bool verify);
  absl::StatusOr<bool> IsGood(BatchReader& reader, uint64_t position, const record::BatchView& header,
                              bool verify, Offset expected);
  bool Follows(const record::BatchView& header, Offset expected) const;
  void Note(const record::BatchView& header, Segment& segment, uint64_t position);
  absl::Status FinishSegment(size_t index, const Walked& walked, bool* is_last);
  absl::StatusOr<bool> LaterHoldBatches(size_t index);
  bool WasAcknowledged(const LogPosition& position) const;
  bool MayHaveHoles(size_t index, const Walked& walked) const;
  std::string Loss(const Walked& walked) const;
  absl::Status Seal(const Walked& walked);
  absl::Status FlushEntries();

  std::string Path(size_t index) const { return Path(SegmentFileName(bases_[index])); }
  std::string Path(const std::string& name) const { return absl::StrCat(in_.directory, "/", name); }
  // `lost_from`: what cannot be followed any more; the file's base offset where nothing nearer is known.
  absl::Status DamagedAt(const std::string& path, uint64_t position, absl::string_view what,
                         std::optional<Offset> lost_from = std::nullopt) const;

  const RecoveryInput& in_;
  std::vector<Offset> bases_;  // Of the segment files, ascending.
  std::optional<Checkpoint> checkpoint_;
  std::optional<LogPosition> acknowledged_;  // What checkpoint and journal together vouch for.
  RecoveredLog out_;
  IndexFeeder feeder_;
  EpochCache epochs_;
  IndexUpdate update_;
};

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

// Before the checkpoint the index says what a segment holds; its size must be no less than that.
absl::Status Recovery::TakeSealed(size_t index, const std::map<Offset, SegmentEntry>& known) {
  const auto found = known.find(bases_[index]);
  SegmentEntry entry;
  if (found != known.end()) {
    entry = found->second;
  } else {
    ASSIGN_OR_RETURN(entry, MeasureSealed(index));
    update_.sealed.push_back(entry);
  }
  const std::string path = Path(index);
  ASSIGN_OR_RETURN(const uint64_t size, in_.disk.FileSize(path));
  if (size < entry.size_bytes) {
    return DamagedAt(
        path, size,
        absl::StrCat("the file ends here, and ", entry.size_bytes, " bytes of it were on the disk"));
  }
  if (entry.next_offset != bases_[index + 1]) {
    return DamagedAt(path, entry.size_bytes,
                     absl::StrCat("the segment ends at offset ", entry.next_offset.value(),
                                  " and the next begins at ", bases_[index + 1].value()),
                     entry.next_offset);
  }
  auto segment = std::make_shared<Segment>(in_.disk, path, bases_[index]);
  segment->RaiseMaxTimestamp(entry.max_timestamp_ms);
  if (size > entry.size_bytes) {  // Sealed, and then the broker died before it was trimmed.
    ASSIGN_OR_RETURN(const std::unique_ptr<File> file, in_.disk.Open(path, Disk::OpenMode::kReadWrite));
    RETURN_IF_ERROR(file->Truncate(entry.size_bytes));
  }
  out_.segments.push_back({std::move(segment), true, entry.next_offset, entry.size_bytes});
  return absl::OkStatus();
}

// Where compaction was at work, offsets may be missing before a batch.
bool Recovery::Follows(const record::BatchView& header, Offset expected) const {
  if (header.last_offset_delta() < 0) {
    return false;
  }
  return header.base_offset() == expected ||
         (header.base_offset() > expected && header.next_offset() <= out_.compaction.gaps_below);
}

// Sealed and synced, but its entry did not reach the index; if compaction made it, no entry of it did.
absl::StatusOr<SegmentEntry> Recovery::MeasureSealed(size_t index) {
  const std::string path = Path(index);
  ASSIGN_OR_RETURN(const std::unique_ptr<File> file, in_.disk.Open(path, Disk::OpenMode::kReadOnly));
  ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  BatchReader reader(*file, size, BatchReader::kHeaders);
  SegmentEntry entry{bases_[index], bases_[index], 0, record::kNoTimestamp};
  uint64_t indexed = 0;
  while (entry.next_offset != NextBase(index)) {
    ASSIGN_OR_RETURN(const std::optional<record::BatchView> header, reader.HeaderAt(entry.size_bytes));
    if (!header || !Follows(*header, entry.next_offset)) {
      break;
    }
    if (entry.size_bytes - indexed >= static_cast<uint64_t>(LogOptions().index_interval_bytes)) {
      indexed = entry.size_bytes;
      update_.offsets.push_back({header->base_offset(), entry.base_offset, entry.size_bytes});
      if (update_.offsets.size() >= kIndexBatch) {
        RETURN_IF_ERROR(FlushEntries());
      }
    }
    entry.next_offset = header->next_offset();
    entry.max_timestamp_ms = std::max(entry.max_timestamp_ms, header->max_timestamp());
    entry.size_bytes += StoredSize(*header);
  }
  return entry;
}

absl::Status Recovery::WalkFrom(size_t index) {
  LogPosition from{bases_[index], bases_[index], 0};
  if (checkpoint_) {
    from = {checkpoint_->next_offset, checkpoint_->segment_base, checkpoint_->position};
  }
  out_.durable = from;
  bool is_last = false;
  while (!is_last) {
    const bool verify = !in_.after.clean || checkpoint_.has_value();
    ASSIGN_OR_RETURN(const Walked walked, Walk(index, from, verify));
    out_.walked_bytes += walked.end.position - from.position;
    RETURN_IF_ERROR(FinishSegment(index, walked, &is_last));
    if (!is_last) {
      ++index;
      from = {bases_[index], bases_[index], 0};
    }
  }
  return absl::OkStatus();
}

// Where a segment that others follow ends, whatever stands behind: a tail that was cut off may be back.
Offset Recovery::NextBase(size_t index) const {
  return index + 1 < bases_.size() ? bases_[index + 1] : Offset(std::numeric_limits<int64_t>::max());
}

absl::StatusOr<Recovery::Walked> Recovery::Walk(size_t index, LogPosition from, bool verify) {
  const std::string path = Path(index);
  ASSIGN_OR_RETURN(std::shared_ptr<File> file, in_.disk.Open(path, Disk::OpenMode::kReadWrite));
  ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  if (size < from.position) {
    return DamagedAt(
        path, size, absl::StrCat("the file ends here, and ", from.position, " bytes of it were on the disk"));
  }
  auto segment = std::make_shared<Segment>(in_.disk, path, bases_[index], file);
  if (from.position > 0) {
    segment->RaiseMaxTimestamp(out_.state.segment_max_timestamp_ms);
  }
  BatchReader reader(*file, size, verify ? BatchReader::kWhole : BatchReader::kHeaders);
  LogPosition at = from;
  while (at.offset != NextBase(index)) {
    ASSIGN_OR_RETURN(const std::optional<record::BatchView> header, reader.HeaderAt(at.position));
    if (!header) {
      break;
    }
    ASSIGN_OR_RETURN(const bool good, IsGood(reader, at.position, *header, verify, at.offset));
    if (!good) {
      break;
    }
    // IsGood may have refilled the buffer that the header lay in.
    ASSIGN_OR_RETURN(const std::optional<record::BatchView> batch, reader.HeaderAt(at.position));
    Note(*batch, *segment, at.position);
    at.offset = batch->next_offset();
    at.position += StoredSize(*batch);
    if (update_.offsets.size() >= kIndexBatch) {
      RETURN_IF_ERROR(FlushEntries());
    }
  }
  return Walked{std::move(segment), std::move(file), size, at};
}

absl::StatusOr<bool> Recovery::IsGood(BatchReader& reader, uint64_t position, const record::BatchView& header,
                                      bool verify, Offset expected) {
  if (!Follows(header, expected)) {
    return false;
  }
  if (!verify) {
    return true;
  }
  return reader.IsWholeAt(position);
}

void Recovery::Note(const record::BatchView& header, Segment& segment, uint64_t position) {
  const bool stamped = header.timestamp_type() == record::TimestampType::kLogAppendTime;
  out_.state.producers.Update(header, header.base_offset(), stamped ? header.max_timestamp() : -1,
                              in_.clock.NowMs());
  epochs_.Observe(header.leader_epoch(), header.base_offset());
  segment.RaiseMaxTimestamp(header.max_timestamp());
  const IndexFeeder::Entries entries =
      feeder_.Add({header.base_offset(), segment.base(), position}, StoredSize(header),
                  header.max_timestamp(), LogOptions().index_interval_bytes);
  if (entries.offset) {
    update_.offsets.push_back(*entries.offset);
  }
  if (entries.time) {
    update_.times.push_back(*entries.time);
  }
}

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

absl::Status Recovery::FlushEntries() {
  RETURN_IF_ERROR(in_.index.Write(in_.id, update_));
  update_ = IndexUpdate();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RecoveredLog> RecoverLog(const RecoveryInput& input) {
  return Recovery(input).Run();
}

}  // namespace sluice::storage
