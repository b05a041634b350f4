#include "storage/tools/index_rebuild.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "storage/index/index_reader.h"
#include "storage/log/epoch_cache.h"
#include "storage/log/index_feeder.h"
#include "storage/log/log_options.h"
#include "storage/log/log_state.h"
#include "storage/tools/segment_row.h"

namespace sluice::storage {
namespace {

// So many entries are written at once.
constexpr size_t kEntriesAtOnce = 4096;

// One log into the new index.
class LogIndexer {
 public:
  using Advance = absl::FunctionRef<void(uint64_t entries)>;

  LogIndexer(Disk& disk, Clock& clock, OffsetIndex& index, const PartitionFiles& partition, bool clean)
      : disk_(disk), clock_(clock), index_(index), partition_(partition), clean_(clean) {}

  absl::Status Run(std::optional<Offset> log_start, Advance advance, RebuildReport* report);

 private:
  struct SegmentEnd {
    Offset next;
    uint64_t position = 0;
    int64_t max_timestamp_ms = record::kNoTimestamp;
  };
  absl::StatusOr<SegmentEnd> WalkSegment(size_t index, Advance advance, RebuildReport* report);
  absl::StatusOr<std::optional<record::BatchView>> Next(BatchReader& reader, const SegmentEnd& at);
  void Note(const record::BatchView& header, Offset base, uint64_t position, RebuildReport* report);
  absl::Status CheckEnd(size_t index, const SegmentEnd& end) const;
  absl::Status Flush();

  Disk& disk_;
  Clock& clock_;
  OffsetIndex& index_;
  const PartitionFiles& partition_;
  const bool clean_;
  SegmentRow row_;
  IndexFeeder feeder_;
  EpochCache epochs_;
  LogState state_;
  IndexUpdate update_;
};

absl::Status LogIndexer::Run(std::optional<Offset> log_start, Advance advance, RebuildReport* report) {
  ASSIGN_OR_RETURN(row_, ReadSegmentRow(disk_, partition_));
  if (row_.items.empty() || !partition_.id) {
    return absl::OkStatus();
  }
  ++report->logs;
  // Where the checkpoint will stand: at the end, or before the segment whose end is not certain.
  Checkpoint checkpoint{.next_offset = row_.items.front().base, .segment_base = row_.items.front().base};
  for (size_t i = 0; i < row_.items.size(); ++i) {
    const Offset base = row_.items[i].base;
    if (i > 0 && !row_.IsPartOfLog(i, checkpoint.next_offset)) {
      break;
    }
    const bool is_last = i + 1 == row_.items.size();
    if (is_last && !clean_) {
      checkpoint = {.next_offset = base, .segment_base = base};
      state_.segment_max_timestamp_ms = record::kNoTimestamp;
      break;
    }
    ++report->segments;
    ASSIGN_OR_RETURN(const SegmentEnd end, WalkSegment(i, advance, report));
    checkpoint = {.next_offset = end.next, .segment_base = base, .position = end.position};
    state_.segment_max_timestamp_ms = end.max_timestamp_ms;
    if (!is_last) {
      update_.sealed.push_back({base, end.next, end.position, end.max_timestamp_ms});
    }
  }
  state_.log_start = std::clamp(log_start.value_or(row_.items.front().base), row_.items.front().base,
                                checkpoint.next_offset);
  state_.max_timestamp_ms = feeder_.max_timestamp_ms();
  state_.epochs = epochs_.starts();
  checkpoint.state = EncodeLogState(state_);
  update_.checkpoint = std::move(checkpoint);
  return Flush();
}

absl::StatusOr<LogIndexer::SegmentEnd> LogIndexer::WalkSegment(size_t index, Advance advance,
                                                               RebuildReport* report) {
  const SegmentRow::Item& item = row_.items[index];
  ASSIGN_OR_RETURN(const std::unique_ptr<File> file, disk_.Open(item.path, Disk::OpenMode::kReadOnly));
  BatchReader reader(*file, item.size_bytes, clean_ ? BatchReader::kHeaders : BatchReader::kWhole);
  SegmentEnd end{.next = item.base};
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<record::BatchView> header, Next(reader, end));
    if (!header) {
      break;
    }
    Note(*header, item.base, end.position, report);
    end.next = header->next_offset();
    end.max_timestamp_ms = std::max(end.max_timestamp_ms, header->max_timestamp());
    end.position += StoredSize(*header);
    report->bytes_walked += StoredSize(*header);
    if (update_.offsets.size() >= kEntriesAtOnce) {
      RETURN_IF_ERROR(Flush());
    }
    advance(report->offset_entries + report->time_entries);
  }
  RETURN_IF_ERROR(CheckEnd(index, end));
  if (!clean_) {
    RETURN_IF_ERROR(file->Sync());  // The checkpoint will say that it is on the disk.
  }
  return end;
}

// The batch that follows `at`, if a good one does.
absl::StatusOr<std::optional<record::BatchView>> LogIndexer::Next(BatchReader& reader, const SegmentEnd& at) {
  ASSIGN_OR_RETURN(const std::optional<record::BatchView> header, reader.HeaderAt(at.position));
  if (!header || header->last_offset_delta() < 0) {
    return std::nullopt;
  }
  const bool after_gap = header->base_offset() > at.next && header->next_offset() <= row_.gaps_below;
  if (header->base_offset() != at.next && !after_gap) {
    return std::nullopt;
  }
  if (!clean_) {
    ASSIGN_OR_RETURN(const bool whole, reader.IsWholeAt(at.position));
    if (!whole) {
      return std::nullopt;
    }
  }
  return reader.HeaderAt(at.position);  // The check may have moved the buffer.
}

void LogIndexer::Note(const record::BatchView& header, Offset base, uint64_t position,
                      RebuildReport* report) {
  const bool stamped = header.timestamp_type() == record::TimestampType::kLogAppendTime;
  state_.producers.Update(header, header.base_offset(), stamped ? header.max_timestamp() : -1,
                          clock_.NowMs());
  epochs_.Observe(header.leader_epoch(), header.base_offset());
  const IndexFeeder::Entries entries = feeder_.Add({header.base_offset(), base, position}, StoredSize(header),
                                                   header.max_timestamp(), LogOptions().index_interval_bytes);
  if (entries.offset) {
    ++report->offset_entries;
    update_.offsets.push_back(*entries.offset);
  }
  if (entries.time) {
    ++report->time_entries;
    update_.times.push_back(*entries.time);
  }
}

absl::Status LogIndexer::CheckEnd(size_t index, const SegmentEnd& end) const {
  const SegmentRow::Item& item = row_.items[index];
  const std::optional<Offset> next = row_.EndOf(index);
  const bool is_whole = next ? end.next == *next : end.position == item.size_bytes || !clean_;
  if (is_whole) {
    return absl::OkStatus();
  }
  return absl::DataLossError(
      absl::StrCat(item.path, ": byte ", end.position, ": no good batch of offset ", end.next.value(),
                   " here; the old index stays. Look with `sluice log verify`, then `sluice log repair`"));
}

absl::Status LogIndexer::Flush() {
  RETURN_IF_ERROR(index_.Write(*partition_.id, update_));
  update_ = IndexUpdate();
  return absl::OkStatus();
}

std::optional<Offset> StartOf(IndexReader* index, const PartitionFiles& partition) {
  if (index == nullptr || !partition.id) {
    return std::nullopt;
  }
  const auto checkpoint = index->ReadCheckpoint(*partition.id);
  if (!checkpoint.ok() || !*checkpoint) {
    return std::nullopt;
  }
  const absl::StatusOr<LogState> state = DecodeLogState((*checkpoint)->state);
  return state.ok() ? std::optional(state->log_start) : std::nullopt;
}

absl::StatusOr<uint64_t> TotalBytes(Disk& disk, const LogFiles& files) {
  uint64_t total = 0;
  for (const PartitionFiles& partition : files.partitions()) {
    for (const Offset base : partition.bases) {
      ASSIGN_OR_RETURN(const uint64_t size, disk.FileSize(partition.SegmentPath(base)));
      total += size;
    }
  }
  return total;
}

absl::StatusOr<RebuildReport> Fill(Disk& disk, Clock& clock, const LogFiles& files, const std::string& path,
                                   RebuildProgressFunction progress) {
  RebuildReport report;
  ASSIGN_OR_RETURN(const uint64_t total, TotalBytes(disk, files));
  const absl::StatusOr<std::unique_ptr<IndexReader>> old = IndexReader::Open(files.index_path());
  ASSIGN_OR_RETURN(const std::unique_ptr<OffsetIndex> index, OffsetIndex::Open({.path = path}));
  for (const PartitionFiles& partition : files.partitions()) {
    const auto advance = [&](uint64_t entries) {
      progress({.log = partition.name,
                .entries = entries,
                .bytes_done = report.bytes_walked,
                .bytes_total = total});
    };
    LogIndexer indexer(disk, clock, *index, partition, files.clean());
    RETURN_IF_ERROR(indexer.Run(StartOf(old.ok() ? old->get() : nullptr, partition), advance, &report));
  }
  RETURN_IF_ERROR(index->Flush());
  return report;
}

}  // namespace

absl::StatusOr<RebuildReport> RebuildIndex(Disk& disk, Clock& clock, const LogFiles& files,
                                           RebuildProgressFunction progress) {
  if (files.log_dir().empty()) {
    return absl::FailedPreconditionError(
        "an index belongs to a whole log dir; name one, a directory with meta.properties");
  }
  RETURN_IF_ERROR(files.CheckJournalIsBehind(disk));
  const std::string path = files.index_path();
  const std::string fresh = absl::StrCat(path, ".rebuilt");
  const std::string old = absl::StrCat(path, ".old");
  RETURN_IF_ERROR(disk.RemoveTree(fresh));
  absl::StatusOr<RebuildReport> report = Fill(disk, clock, files, fresh, progress);
  if (!report.ok()) {
    disk.RemoveTree(fresh).IgnoreError();  // It is of no use; the next rebuild removes it too.
    return report;
  }
  RETURN_IF_ERROR(disk.RemoveTree(old));
  if (disk.Exists(path)) {
    RETURN_IF_ERROR(disk.Rename(path, old));
  }
  RETURN_IF_ERROR(disk.Rename(fresh, path));
  RETURN_IF_ERROR(disk.SyncDirectory(files.log_dir()));
  RETURN_IF_ERROR(disk.RemoveTree(old));
  return report;
}

}  // namespace sluice::storage
