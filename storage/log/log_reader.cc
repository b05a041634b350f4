#include "storage/log/log_reader.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"

namespace sluice::storage {
namespace {

constexpr int kSeeksMax = 3;

absl::Status BadBatch(const SegmentInfo& segment, uint64_t position) {
  return absl::DataLossError(absl::StrCat(segment.segment->path(), ": no whole batch at byte ", position,
                                          " where one was appended: the file was damaged; restore it from a "
                                          "replica or backup"));
}

uint64_t AddSaturated(uint64_t a, uint64_t b) {
  return b > std::numeric_limits<uint64_t>::max() - a ? std::numeric_limits<uint64_t>::max() : a + b;
}

ReadOutcome Fail(absl::Status status) {
  return {.code = ReadCode::kStorageError, .range = {}, .status = std::move(status)};
}

ReadOutcome Only(ReadCode code) {
  return {.code = code, .range = {}, .status = absl::OkStatus()};
}

}  // namespace

LogPosition LogReader::EndOf(const SegmentInfo& segment, const LogPosition& end) {
  if (segment.sealed) {
    return {segment.next_offset, segment.base(), segment.size_bytes};
  }
  if (end.segment_base == segment.base()) {
    return end;
  }
  return {segment.base(), segment.base(), 0};  // Begun after `end` was read.
}

ReadOutcome LogReader::Read(const ReadRequest& request, Offset start, ReadCursor* cursor,
                            MayBlock may_block) const {
  const LogPosition end = parts_.end.Get();
  if (request.offset < start || request.offset > end.offset) {
    return Only(ReadCode::kOffsetOutOfRange);
  }
  const Bounds bounds{.end = end,
                      .limit = std::min(request.limit, end.offset),
                      .max_bytes = request.max_bytes,
                      .at_least_one_batch = request.at_least_one_batch};
  if (request.offset >= bounds.limit) {
    return {};
  }
  std::optional<Place> place;
  if (cursor != nullptr && cursor->next_offset == request.offset) {
    place = FromCursor(*cursor, end);
  }
  if (!place) {
    absl::StatusOr<std::optional<Place>> located = Locate(request.offset, end, may_block);
    if (absl::IsOutOfRange(located.status())) {
      return Only(ReadCode::kOffsetOutOfRange);  // Retention was faster.
    }
    if (!located.ok()) {
      return Fail(located.status());
    }
    place = *std::move(located);
  }
  if (!place || (may_block == MayBlock::kNo && place->segment.segment->OpenedFile() == nullptr)) {
    return Only(ReadCode::kWouldBlock);
  }
  const absl::StatusOr<std::optional<Cut>> cut = FindCut(*place, bounds, may_block);
  if (!cut.ok()) {
    return Fail(cut.status());
  }
  if (!*cut) {
    return Only(ReadCode::kWouldBlock);
  }
  const absl::StatusOr<std::shared_ptr<File>> file = place->segment.segment->OpenFile();
  if (!file.ok()) {
    return Fail(file.status());
  }
  if (cursor != nullptr) {
    *cursor = {(*cut)->offset, place->segment.base(), place->segment.segment->generation(), (*cut)->position};
  }
  return {.code = ReadCode::kOk,
          .range = {(*file)->shared(), place->position, (*cut)->position - place->position},
          .status = absl::OkStatus()};
}

std::optional<Place> LogReader::FromCursor(const ReadCursor& cursor, const LogPosition& end) const {
  std::optional<SegmentInfo> segment = parts_.segments.Named(cursor.segment_base);
  if (!segment || segment->segment->generation() != cursor.segment_generation) {
    return std::nullopt;
  }
  const LogPosition segment_end = EndOf(*segment, end);
  if (cursor.position < segment_end.position) {
    return Place{*std::move(segment), cursor.next_offset, cursor.position};
  }
  return segment->sealed && cursor.position == segment_end.position ? StartOfNext(segment_end.offset)
                                                                    : std::nullopt;
}

std::optional<Place> LogReader::StartOfNext(Offset after) const {
  std::optional<SegmentInfo> next = parts_.segments.AtOrAfter(after);
  if (!next) {
    return std::nullopt;
  }
  const Offset base = next->base();
  return Place{*std::move(next), base, 0};
}

absl::StatusOr<std::optional<Place>> LogReader::Locate(Offset offset, const LogPosition& end,
                                                       MayBlock may_block) const {
  std::optional<SegmentInfo> segment = parts_.segments.Containing(offset);
  if (!segment) {
    return absl::OutOfRangeError("the segment was dropped");
  }
  const LogPosition segment_end = EndOf(*segment, end);
  if (offset >= segment_end.offset) {
    std::optional<Place> next = StartOfNext(segment_end.offset);
    return next ? absl::StatusOr<std::optional<Place>>(std::move(next))
                : absl::OutOfRangeError("nothing was appended there");
  }
  if (offset == segment->base()) {
    return Place{*std::move(segment), offset, 0};
  }
  bool would_block = false;
  const std::optional<OffsetEntry> entry = EntryBefore(offset, segment->base(), may_block, &would_block);
  if (would_block) {
    return std::nullopt;
  }
  const bool fits = entry && entry->segment_base == segment->base() && entry->offset <= offset &&
                    entry->position < segment_end.position;
  const Cut from = fits ? Cut{entry->offset, entry->position} : Cut{segment->base(), 0};
  if (may_block == MayBlock::kNo && from.offset == offset) {
    return Place{*std::move(segment), offset, from.position};
  }
  if (!MayWalk(*segment, offset, may_block)) {
    return std::nullopt;
  }
  return WalkTo(offset, *segment, segment_end, from);
}

// Memory first. An index that cannot be read costs a longer walk, not the read.
std::optional<OffsetEntry> LogReader::EntryBefore(Offset offset, Offset segment_base, MayBlock may_block,
                                                  bool* would_block) const {
  if (std::optional<OffsetEntry> entry = parts_.tail.Find(offset)) {
    return entry;
  }
  if (may_block == MayBlock::kNo) {
    *would_block = true;
    return std::nullopt;
  }
  absl::StatusOr<std::optional<OffsetEntry>> entry = parts_.index.FindOffset(parts_.id, offset);
  return entry.ok() && *entry && (*entry)->segment_base == segment_base ? *entry : std::nullopt;
}

// Headers of the log's hot end are in the page cache, and few: the tail index knows every few KiB of it.
bool LogReader::MayWalk(const SegmentInfo& segment, Offset from, MayBlock may_block) const {
  return may_block == MayBlock::kYes || (!segment.sealed && parts_.tail.Find(from).has_value());
}

absl::StatusOr<std::optional<Place>> LogReader::WalkTo(Offset offset, const SegmentInfo& segment,
                                                       const LogPosition& segment_end, Cut from) const {
  ASSIGN_OR_RETURN(const std::shared_ptr<File> file, segment.segment->OpenFile());
  BatchReader reader(*file, segment_end.position, BatchReader::kHeaders);
  uint64_t position = from.position;
  while (position < segment_end.position) {
    ASSIGN_OR_RETURN(const std::optional<record::BatchView> header, reader.HeaderAt(position));
    if (position == from.position && position > 0 && (!header || header->base_offset() != from.offset)) {
      return WalkTo(offset, segment, segment_end, Cut{segment.base(), 0});  // A stale entry.
    }
    if (!header) {
      return BadBatch(segment, position);
    }
    if (header->next_offset() > offset) {
      return Place{segment, header->base_offset(), position};
    }
    position += StoredSize(*header);
  }
  return StartOfNext(segment_end.offset);
}

absl::StatusOr<std::optional<LogReader::Cut>> LogReader::FindCut(const Place& place, const Bounds& bounds,
                                                                 MayBlock may_block) const {
  const LogPosition segment_end = EndOf(place.segment, bounds.end);
  const uint64_t target = AddSaturated(place.position, bounds.max_bytes);
  const std::optional<Cut> bound = KnownBound(place, segment_end, bounds.limit);
  if (bound && target >= bound->position) {
    return bound;
  }
  Cut best{place.offset, place.position};
  const std::optional<OffsetEntry> entry =
      parts_.tail.FindBoundary(place.segment.base(), target, bounds.limit);
  if (entry && entry->position > best.position) {
    best = {entry->offset, entry->position};
  }
  const auto has = [&](uint64_t bytes) {
    return best.position > place.position && best.position - place.position >= bytes;
  };
  if (has(bounds.max_bytes / 2)) {
    return best;
  }
  if (!MayWalk(place.segment, best.offset, may_block)) {
    return has(bounds.max_bytes / 4) ? std::optional(best) : std::nullopt;
  }
  if (may_block == MayBlock::kYes) {
    const Cut near = SeekNear(place, segment_end, target, bounds.limit, best);
    if (near.position > best.position) {
      ASSIGN_OR_RETURN(const bool fits, StartsBatch(place.segment, segment_end, near));
      best = fits ? near : best;
    }
    if (has(bounds.max_bytes / 2)) {
      return best;
    }
  }
  return WalkCut(place, segment_end, target, bounds, best);
}

std::optional<LogReader::Cut> LogReader::KnownBound(const Place& place, const LogPosition& segment_end,
                                                    Offset limit) const {
  if (limit >= segment_end.offset) {
    return Cut{segment_end.offset, segment_end.position};
  }
  const LogPosition durable = parts_.durable.Get();
  if (durable.offset == limit && durable.segment_base == place.segment.base()) {
    return Cut{durable.offset, durable.position};
  }
  return std::nullopt;
}

// Asks the index for a boundary shortly before `target`, guessing its offset from the segment's density.
LogReader::Cut LogReader::SeekNear(const Place& place, const LogPosition& segment_end, uint64_t target,
                                   Offset limit, Cut best) const {
  if (target >= segment_end.position) {
    target = segment_end.position - 1;
  }
  Cut low = best;
  Cut high{std::min(segment_end.offset, limit), segment_end.position};
  for (int i = 0; i < kSeeksMax && low.position < target && low.offset < high.offset; ++i) {
    const double share = static_cast<double>(target - low.position) /
                         static_cast<double>(std::max(high.position, target) - low.position);
    const Offset guess =
        low.offset + static_cast<int64_t>(static_cast<double>(high.offset - low.offset) * share);
    const absl::StatusOr<std::optional<OffsetEntry>> found = parts_.index.FindOffset(parts_.id, guess);
    if (!found.ok() || !*found || (*found)->segment_base != place.segment.base()) {
      break;
    }
    const Cut cut{(*found)->offset, (*found)->position};
    if (cut.position > target || cut.offset > limit) {
      high = cut;
    } else if (cut.position > low.position) {
      low = cut;
    } else {
      break;  // No entry between: as near as the index gets.
    }
    if (low.position - place.position >= (target - place.position) / 2) {
      break;
    }
  }
  return low;
}

// Compaction may have replaced the segment between the two look-ups: the entry is another file's then.
absl::StatusOr<bool> LogReader::StartsBatch(const SegmentInfo& segment, const LogPosition& segment_end,
                                            Cut cut) const {
  ASSIGN_OR_RETURN(const std::shared_ptr<File> file, segment.segment->OpenFile());
  BatchReader reader(*file, segment_end.position, record::kHeaderSize);
  ASSIGN_OR_RETURN(const std::optional<record::BatchView> header, reader.HeaderAt(cut.position));
  return header && header->base_offset() == cut.offset;
}

absl::StatusOr<LogReader::Cut> LogReader::WalkCut(const Place& place, const LogPosition& segment_end,
                                                  uint64_t target, const Bounds& bounds, Cut from) const {
  ASSIGN_OR_RETURN(const std::shared_ptr<File> file, place.segment.segment->OpenFile());
  BatchReader reader(*file, segment_end.position, BatchReader::kHeaders);
  Cut cut = from;
  while (cut.position < segment_end.position) {
    ASSIGN_OR_RETURN(const std::optional<record::BatchView> header, reader.HeaderAt(cut.position));
    if (!header) {
      return BadBatch(place.segment, cut.position);
    }
    const uint64_t batch_end = cut.position + StoredSize(*header);
    const bool is_first = cut.position == place.position;
    if (header->next_offset() > bounds.limit ||
        (batch_end > target && !(is_first && bounds.at_least_one_batch))) {
      break;
    }
    cut = {header->next_offset(), batch_end};
  }
  return cut;
}

}  // namespace sluice::storage
