#include "storage/log/time_search.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "proto/record/compression.h"
#include "proto/record/record_iterator.h"

namespace sluice::storage {
namespace {

// What one batch may hold once decompressed: above any broker's message.max.bytes times a usual ratio.
constexpr size_t kDecompressedMax = 256u << 20;

// The first record of the batch in [start, limit) with timestamp >= `timestamp_ms`.
absl::StatusOr<std::optional<OffsetAndTimestamp>> SearchBatch(File& file, uint64_t position, uint64_t size,
                                                              int64_t timestamp_ms, Offset start,
                                                              Offset limit) {
  BatchReader reader(file, position + size, static_cast<size_t>(size));
  ASSIGN_OR_RETURN(const std::optional<record::BatchView> batch, reader.BatchAt(position));
  if (!batch) {
    return absl::DataLossError(absl::StrCat(file.shared()->path(), ": no whole batch at byte ", position));
  }
  Bytes scratch;
  ASSIGN_OR_RETURN(const ByteView records, record::DecompressRecords(*batch, &scratch, kDecompressedMax));
  record::RecordIterator it(*batch, records);
  for (record::RecordView record; it.Next(&record);) {
    if (record.timestamp_ms >= timestamp_ms && record.offset >= start && record.offset < limit) {
      return OffsetAndTimestamp{record.offset, record.timestamp_ms, batch->leader_epoch()};
    }
  }
  RETURN_IF_ERROR(it.status());
  return std::nullopt;
}

}  // namespace

absl::Status TimeSearch::WalkHeaders(const SegmentInfo& segment, Offset from, Offset limit,
                                     BatchVisitor visit) const {
  const LogPosition end = end_.Get();
  const std::optional<SegmentInfo> now = segments_.Named(segment.base());
  const LogPosition segment_end = LogReader::EndOf(segment.sealed || !now ? segment : *now, end);
  if (from >= segment_end.offset) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::optional<Place> place, reader_.Locate(from, end, MayBlock::kYes));
  if (!place) {
    return absl::OkStatus();
  }
  const Offset until = std::min(limit, segment_end.offset);
  const uint64_t place_end = LogReader::EndOf(place->segment, end).position;
  ASSIGN_OR_RETURN(const std::shared_ptr<File> file, place->segment.segment->OpenFile());
  BatchReader reader(*file, place_end, BatchReader::kHeaders);
  uint64_t position = place->position;
  while (position < place_end) {
    ASSIGN_OR_RETURN(const std::optional<record::BatchView> header, reader.HeaderAt(position));
    if (!header) {
      return absl::DataLossError(
          absl::StrCat(place->segment.segment->path(), ": no whole batch at byte ", position));
    }
    if (header->base_offset() >= until) {
      return absl::OkStatus();
    }
    const uint64_t size = StoredSize(*header);
    ASSIGN_OR_RETURN(const bool stop, visit(*header, *file, position));
    if (stop) {
      return absl::OkStatus();
    }
    position += size;
  }
  return absl::OkStatus();
}

// The time index knows where the largest timestamp so far was reached, every few KiB: records before the last
// entry below `timestamp_ms` are all older.
absl::StatusOr<std::optional<OffsetAndTimestamp>> TimeSearch::SearchSegment(const SegmentInfo& segment,
                                                                            int64_t timestamp_ms,
                                                                            Offset start,
                                                                            Offset limit) const {
  ASSIGN_OR_RETURN(const OffsetIndex::TimeBounds bounds, index_.FindTime(id_, timestamp_ms));
  const Offset from = std::max({segment.base(), start, bounds.before ? bounds.before->offset : Offset(0)});
  std::optional<OffsetAndTimestamp> found;
  RETURN_IF_ERROR(WalkHeaders(
      segment, from, limit,
      [&](const record::BatchView& header, File& file, uint64_t position) -> absl::StatusOr<bool> {
        if (header.max_timestamp() < timestamp_ms) {
          return false;
        }
        ASSIGN_OR_RETURN(found, SearchBatch(file, position, StoredSize(header), timestamp_ms, start, limit));
        return found.has_value();
      }));
  return found;
}

absl::StatusOr<std::optional<OffsetAndTimestamp>> TimeSearch::FirstAtOrAfter(int64_t timestamp_ms,
                                                                             Offset start,
                                                                             Offset limit) const {
  for (const SegmentInfo& segment : segments_.All()) {
    if (segment.base() >= limit || segment.segment->max_timestamp_ms() < timestamp_ms ||
        (segment.sealed && segment.next_offset <= start)) {
      continue;
    }
    ASSIGN_OR_RETURN(const std::optional<OffsetAndTimestamp> found,
                     SearchSegment(segment, timestamp_ms, start, limit));
    if (found) {
      return found;
    }
  }
  return std::nullopt;
}

absl::StatusOr<int64_t> TimeSearch::LargestIn(const SegmentInfo& segment, Offset start, Offset limit) const {
  const bool whole =
      segment.base() >= start && (segment.sealed ? segment.next_offset : end_.offset()) <= limit;
  if (whole) {
    return segment.segment->max_timestamp_ms();
  }
  int64_t largest = record::kNoTimestamp;
  RETURN_IF_ERROR(WalkHeaders(segment, std::max(segment.base(), start), limit,
                              [&largest](const record::BatchView& header, File&, uint64_t) {
                                largest = std::max(largest, header.max_timestamp());
                                return absl::StatusOr<bool>(false);
                              }));
  return largest;
}

absl::StatusOr<std::optional<OffsetAndTimestamp>> TimeSearch::Largest(Offset start, Offset limit) const {
  std::optional<SegmentInfo> best;
  int64_t best_ms = record::kNoTimestamp;
  for (const SegmentInfo& segment : segments_.All()) {
    if (segment.base() >= limit || (segment.sealed && segment.next_offset <= start) ||
        segment.segment->max_timestamp_ms() <= best_ms) {
      continue;
    }
    ASSIGN_OR_RETURN(const int64_t largest_ms, LargestIn(segment, start, limit));
    if (largest_ms > best_ms) {
      best = segment;
      best_ms = largest_ms;
    }
  }
  if (!best) {
    return std::nullopt;
  }
  return SearchSegment(*best, best_ms, start, limit);
}

}  // namespace sluice::storage
