// Compaction: sealed segments are rewritten without the records that a later one of the same key replaced.
//
//   1. plan      which segments: on the disk, old enough, not the active one    compaction_plan.h
//   2. map       the newest offset of each key in the dirty part                compaction_map.h
//   3. rewrite   all segments below the map's end, in groups, each to a file    compaction_filter.h
//   4. swap      each file in the place of its group                            segment_swap.h
//
// From the log's beginning each time: the dirty part replaces records of the clean one. Groups go in order,
// so that no tombstone leaves before the records that it deletes.
#include <algorithm>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "proto/base/check.h"
#include "proto/base/status_macros.h"
#include "proto/record/record_iterator.h"
#include "storage/log/batch_reader.h"
#include "storage/log/compaction_writer.h"
#include "storage/log/partition_log.h"
#include "storage/log/segment_name.h"
#include "storage/log/segment_swap.h"

namespace sluice::storage {
namespace {

// A compacted file must never launder damage: it gives its batches new checksums.
absl::StatusOr<record::BatchView> WholeBatchAt(BatchReader& reader, uint64_t position,
                                               const Segment& segment) {
  ASSIGN_OR_RETURN(const std::optional<record::BatchView> batch, reader.BatchAt(position));
  if (!batch || !record::CrcMatches(*batch)) {
    return absl::DataLossError(absl::StrCat(segment.path(), ": byte ", position,
                                            ": no whole batch where one was appended: the file was damaged, ",
                                            "and its log is not compacted; restore it from a backup"));
  }
  return *batch;
}

}  // namespace

CompactionPlan PartitionLog::PlanCompaction() {
  if (!gate_.Enter()) {
    return {};
  }
  const absl::Cleanup leave = [this] { gate_.Leave(); };
  {
    absl::MutexLock lock(&append_mu_);
    if (!options_.cleanup_compact) {  // Most logs: nothing of theirs is looked at.
      return {};
    }
  }
  absl::MutexLock compaction(&compaction_mu_);
  return PlanFor(OnDisk());
}

CompactionPlan PartitionLog::PlanFor(const Segments& segments) {
  CompactionRules rules;
  {
    absl::MutexLock lock(&append_mu_);
    if (!options_known_ || !options_.cleanup_compact) {
      return {};
    }
    rules = {.dirty_ratio_min = options_.min_cleanable_dirty_ratio,
             .lag_ms_min = options_.min_compaction_lag_ms,
             .lag_ms_max = options_.max_compaction_lag_ms};
  }
  const int64_t now_ms = context_.clock.NowMs();
  CompactionPlan plan = storage::PlanCompaction(Summarise(segments), compaction_.first_dirty, rules, now_ms);
  if (!plan.due && plan.has_work() && rules.lag_ms_max != LogOptions::kNever) {
    plan.due = IsOverdue(plan, rules, OldestDirtyMs(segments, plan.first_dirty), now_ms);
  }
  return plan;
}

// Sealed segments whose files hold all of them durably, and of which readers may see all: what replaces a
// record is never hidden from those who look for it.
PartitionLog::Segments PartitionLog::OnDisk() const {
  const Offset flushed_base = flushed_.Get().segment_base;
  const Offset durable = durable_end();
  Segments segments;
  for (SegmentInfo& info : segments_.All()) {
    if (!info.sealed || info.base() >= flushed_base || info.next_offset > durable) {
      break;
    }
    segments.push_back(std::move(info));
  }
  return segments;
}

std::vector<CompactionSegment> PartitionLog::Summarise(const Segments& segments) const {
  std::vector<CompactionSegment> row;
  row.reserve(segments.size());
  for (const SegmentInfo& info : segments) {
    row.push_back({info.base(), info.next_offset, info.size_bytes, NewestMs(*info.segment)});
  }
  return row;
}

int64_t PartitionLog::OldestDirtyMs(const Segments& segments, Offset first_dirty) const {
  for (const SegmentInfo& info : segments) {
    if (info.next_offset <= first_dirty) {
      continue;
    }
    const absl::StatusOr<std::shared_ptr<File>> file = info.segment->OpenFile();
    if (!file.ok()) {
      break;
    }
    BatchReader reader(**file, info.size_bytes, BatchReader::kHeaders);
    const absl::StatusOr<std::optional<record::BatchView>> header = reader.HeaderAt(0);
    return header.ok() && *header ? (*header)->max_timestamp() : -1;
  }
  return -1;
}

absl::StatusOr<CompactionReport> PartitionLog::Compact(const CompactionResources& resources) {
  if (!gate_.Enter()) {
    return ClosedError();
  }
  const absl::Cleanup leave = [this] { gate_.Leave(); };
  absl::MutexLock compaction(&compaction_mu_);
  return CompactInside(resources);
}

absl::StatusOr<CompactionReport> PartitionLog::CompactInside(const CompactionResources& resources) {
  CompactionReport report;
  const Offset end = PlanFor(OnDisk()).end;
  CompactionMap map(resources.map_bytes_max, resources.hash_key);
  while (true) {
    const Segments on_disk = OnDisk();
    const CompactionPlan plan = PlanFor(on_disk);
    if (!plan.has_work() || plan.first_dirty >= end) {
      return report;
    }
    const Segments segments(on_disk.begin(),
                            on_disk.begin() + static_cast<std::ptrdiff_t>(plan.segment_count));
    absl::Status done = RunPass(segments, plan, &map, resources, &report);
    if (!done.ok() && start() >= segments.front().next_offset) {
      return absl::AbortedError(absl::StrCat("log ", directory_, ": segments were dropped meanwhile"));
    }
    RETURN_IF_ERROR(done);
    ++report.passes;
    report.keys = std::max<uint64_t>(report.keys, map.size());
  }
}

absl::Status PartitionLog::RunPass(const Segments& segments, const CompactionPlan& plan, CompactionMap* map,
                                   const CompactionResources& resources, CompactionReport* report) {
  // The checkpoint lies behind the segments then. Without an index, recovery knows from the file
  // `compaction`, written below, that the journal's old positions in them are not to be used.
  RETURN_IF_ERROR(WriteCheckpoint());
  CHECK_GE(durable_end().value(), plan.end.value());
  map->Clear();
  ASSIGN_OR_RETURN(const Offset map_end, FillMap(segments, plan.first_dirty, map, resources));
  compaction_.gaps_below = std::max(compaction_.gaps_below, plan.end);
  RETURN_IF_ERROR(WriteCompactionState(context_.disk, directory_, compaction_));
  gaps_below_.store(compaction_.gaps_below.value(), std::memory_order_release);
  RETURN_IF_ERROR(RewriteAll(segments, *map, map_end, resources, report));
  compaction_.first_dirty = map_end;
  return WriteCompactionState(context_.disk, directory_, compaction_);
}

absl::Status PartitionLog::KeepPace(const CompactionResources& resources, uint64_t bytes) const {
  resources.pace(bytes, [this] { return closed(); });
  return closed() || resources.stop()
             ? absl::CancelledError(absl::StrCat("compacting ", directory_, " was stopped"))
             : absl::OkStatus();
}

// Ends between batches: the rest of a batch that fits in part is in the map to no harm, as its newer records
// stay in the log.
absl::StatusOr<Offset> PartitionLog::FillMap(const Segments& segments, Offset from, CompactionMap* map,
                                             const CompactionResources& resources) {
  CompactionDecoder decoder;
  for (const SegmentInfo& info : segments) {
    if (info.next_offset <= from) {
      continue;
    }
    ASSIGN_OR_RETURN(const std::optional<storage::Place> place,
                     reader_.Locate(std::max(from, info.base()), end_.Get(), MayBlock::kYes));
    if (!place || place->segment.segment != info.segment) {
      return absl::AbortedError(absl::StrCat("log ", directory_, ": a segment was dropped meanwhile"));
    }
    ASSIGN_OR_RETURN(const std::shared_ptr<File> file, info.segment->OpenFile());
    BatchReader reader(*file, info.size_bytes, BatchReader::kWhole);
    for (uint64_t position = place->position; position < info.size_bytes;) {
      ASSIGN_OR_RETURN(const record::BatchView batch, WholeBatchAt(reader, position, *info.segment));
      ASSIGN_OR_RETURN(const bool fits, AddKeys(batch, map, &decoder));
      if (!fits && batch.base_offset() <= from) {
        return absl::ResourceExhaustedError(absl::StrCat(
            "log ", directory_, ": the keys of the one batch at offset ", batch.base_offset().value(),
            " do not fit ", map->memory_bytes(), " bytes: raise log.cleaner.dedupe.buffer.size"));
      }
      if (!fits) {
        return batch.base_offset();
      }
      position += batch.size_bytes();
      RETURN_IF_ERROR(KeepPace(resources, batch.size_bytes()));
    }
  }
  return segments.back().next_offset;
}

// Control and transactional batches replace nothing: an aborted one's records were never there.
absl::StatusOr<bool> PartitionLog::AddKeys(const record::BatchView& batch, CompactionMap* map,
                                           CompactionDecoder* decoder) const {
  if (batch.is_control() || batch.is_transactional() || batch.record_count() == 0) {
    return true;
  }
  ASSIGN_OR_RETURN(const ByteView records, decoder->decompressor.DecompressRecords(
                                               batch, CompactionFilter::kDecompressedMax, &decoder->scratch));
  record::RecordIterator it(batch, records);
  for (record::RecordView record; it.Next(&record);) {
    if (record.key && !map->Put(*record.key, record.offset)) {
      return false;
    }
  }
  RETURN_IF_ERROR(it.status());
  return true;
}

LastOffsets PartitionLog::LastOfProducers() const {
  absl::MutexLock lock(&append_mu_);
  LastOffsets last;
  for (const auto& [id, entry] : producers_.entries()) {
    if (entry.count > 0) {
      last.emplace(id, entry.last().last_offset);
    }
  }
  return last;
}

absl::Status PartitionLog::RewriteAll(const Segments& segments, const CompactionMap& map, Offset end,
                                      const CompactionResources& resources, CompactionReport* report) {
  FilterRules rules{.end = end, .now_ms = context_.clock.NowMs()};
  uint64_t segment_bytes;
  {
    absl::MutexLock lock(&append_mu_);
    rules.delete_retention_ms = options_.delete_retention_ms;
    segment_bytes = static_cast<uint64_t>(options_.segment_bytes);
  }
  const LastOffsets producers = LastOfProducers();
  CompactionFilter filter(map, producers, rules);
  for (const SegmentGroup& group : GroupSegments(Summarise(segments), segment_bytes)) {
    const auto first = segments.begin() + static_cast<std::ptrdiff_t>(group.first);
    if (first->base() >= end) {
      break;
    }
    const Segments olds(first, first + static_cast<std::ptrdiff_t>(group.count));
    RETURN_IF_ERROR(RewriteGroup(olds, &filter, resources, report));
  }
  return absl::OkStatus();
}

absl::Status PartitionLog::RewriteGroup(const Segments& olds, CompactionFilter* filter,
                                        const CompactionResources& resources, CompactionReport* report) {
  const std::string path = PathOf(absl::StrCat(SegmentFileName(olds.front().base()), kCleanedSuffix));
  if (context_.disk.Exists(path)) {  // Of a try that failed.
    RETURN_IF_ERROR(context_.disk.Unlink(path));
  }
  absl::Cleanup remove = [this, &path] { context_.disk.Unlink(path).IgnoreError(); };
  ASSIGN_OR_RETURN(const std::unique_ptr<File> file, context_.disk.Open(path, Disk::OpenMode::kCreateNew));
  int64_t index_interval_bytes;
  {
    absl::MutexLock lock(&append_mu_);
    index_interval_bytes = options_.index_interval_bytes;
  }
  CompactionWriter writer(*file, olds.front().base(), index_interval_bytes);
  bool changed = olds.size() > 1;
  RETURN_IF_ERROR(CopyCleaned(olds, filter, &writer, resources, report, &changed));
  report->segments_before += olds.size();
  report->segments_written += changed ? 1 : 0;
  report->bytes_after += writer.size_bytes();
  if (!changed) {
    return absl::OkStatus();
  }
  if (absl::Status finished = writer.Finish(); !finished.ok()) {
    return WithContext(finished, "compacting");
  }
  RETURN_IF_ERROR(SwapIn(olds, writer));
  std::move(remove).Cancel();
  return absl::OkStatus();
}

absl::Status PartitionLog::CopyCleaned(const Segments& olds, CompactionFilter* filter,
                                       CompactionWriter* writer, const CompactionResources& resources,
                                       CompactionReport* report, bool* changed) {
  for (const SegmentInfo& info : olds) {
    ASSIGN_OR_RETURN(const std::shared_ptr<File> file, info.segment->OpenFile());
    BatchReader reader(*file, info.size_bytes, BatchReader::kWhole);
    for (uint64_t position = 0; position < info.size_bytes;) {
      ASSIGN_OR_RETURN(const record::BatchView batch, WholeBatchAt(reader, position, *info.segment));
      position += batch.size_bytes();
      const bool ends_segment = position == info.size_bytes && info.segment == olds.back().segment;
      ASSIGN_OR_RETURN(const CompactionFilter::Outcome outcome, filter->Apply(batch, ends_segment));
      *changed = *changed || outcome.changed || outcome.bytes.empty();
      report->records_read += static_cast<uint64_t>(batch.record_count());
      report->records_kept += static_cast<uint64_t>(outcome.records_kept);
      if (!outcome.bytes.empty()) {
        RETURN_IF_ERROR(writer->Add(outcome.bytes, outcome.max_timestamp_ms));
      }
      RETURN_IF_ERROR(KeepPace(resources, batch.size_bytes() + outcome.bytes.size()));
    }
    report->bytes_before += info.size_bytes;
  }
  return absl::OkStatus();
}

// The index forgets the range, durably, before the files change: an entry that points into the old file may
// not outlive it. Readers that hold the old segments go on reading the old files.
absl::Status PartitionLog::SwapIn(const Segments& olds, const CompactionWriter& writer) {
  const Offset base = olds.front().base();
  const Offset next = olds.back().next_offset;
  SwapFiles files{.directory = directory_, .bases = {}};
  uint32_t generation = 0;
  int64_t newest_ms = Segment::kNotKnown;
  for (const SegmentInfo& old : olds) {
    RETURN_IF_ERROR(old.segment->OpenForGood().status());
    files.bases.push_back(old.base());
    generation = std::max(generation, old.segment->generation() + 1);
    newest_ms = std::max(newest_ms, NewestMs(*old.segment));
  }
  auto segment =
      std::make_shared<Segment>(context_.disk, olds.front().segment->path(), base, nullptr, generation);
  segment->RaiseMaxTimestamp(writer.max_timestamp_ms());
  segment->SetLastAppend(newest_ms);
  int64_t delay_ms;
  {
    absl::MutexLock lock(&append_mu_);
    delay_ms = options_.file_delete_delay_ms;
  }
  {
    absl::MutexLock lock(&files_mu_);
    if (!segments_.Holds(olds)) {
      return absl::AbortedError(absl::StrCat("log ", directory_, ": a segment was dropped meanwhile"));
    }
    RETURN_IF_ERROR(context_.index.ForgetRange(id_, base, next));
    bool undone;
    if (absl::Status swapped = SwapSegments(context_.disk, files, &undone); !swapped.ok()) {
      if (!undone) {
        context_.failure.Raise(swapped);
      }
      return WithContext(swapped, "putting a compacted segment in its place");
    }
    tail_.ForgetBefore({next, next, 0});
    CHECK(segments_.Replace(olds, {segment, true, next, writer.size_bytes()}));
    const absl::Duration due = context_.clock.Monotonic() + absl::Milliseconds(delay_ms);
    absl::MutexLock unlinks(&unlink_mu_);
    for (size_t i = 1; i < olds.size(); ++i) {
      due_unlinks_.push_back({absl::StrCat(olds[i].segment->path(), kDeletedSuffix), due, olds[i].segment});
      Stir();
    }
  }
  IndexUpdate update;
  update.offsets = writer.entries();
  update.sealed.push_back({base, next, writer.size_bytes(), writer.max_timestamp_ms()});
  return context_.index.Write(id_, update);
}

}  // namespace sluice::storage
