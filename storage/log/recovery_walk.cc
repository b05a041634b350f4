#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "storage/log/log_options.h"
#include "storage/log/recovery_run.h"

namespace sluice::storage {
namespace {

// So many index entries are written at once.
constexpr size_t kIndexBatch = 4096;

}  // namespace

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

// Where compaction was at work, offsets may be missing before a batch.
bool Recovery::Follows(const record::BatchView& header, Offset expected) const {
  if (header.last_offset_delta() < 0) {
    return false;
  }
  return header.base_offset() == expected ||
         (header.base_offset() > expected && header.next_offset() <= out_.compaction.gaps_below);
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

}  // namespace sluice::storage
