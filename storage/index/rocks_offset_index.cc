#include "storage/index/rocks_offset_index.h"

#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "rocksdb/cache.h"
#include "rocksdb/convenience.h"
#include "rocksdb/table.h"
#include "rocksdb/write_batch.h"
#include "storage/index/index_folder.h"
#include "storage/index/value_codec.h"
#include "storage/rocks/rocks_options.h"
#include "storage/rocks/rocks_status.h"

namespace sluice::storage {
namespace {

// A truncation deletes in batches of at most this size.
constexpr size_t kTruncateBatchBytes = 1 << 20;
// Files that nothing is written next to are rewritten, and so rid of what was dropped, after this long.
constexpr uint64_t kRewriteAfterSeconds = 7 * 24 * 3600;

rocksdb::BlockBasedTableOptions TableOptions(uint64_t cache_bytes) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(cache_bytes);
  table.cache_index_and_filter_blocks = true;  // So that cache_bytes bounds them too.
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.format_version = 5;
  return table;  // No bloom filter: a lookup asks for what is nearest, and the log it asks about exists.
}

rocksdb::Options DatabaseOptions(const OffsetIndex::Options& options, const StartWatermarks* watermarks) {
  rocksdb::Options db = CommonRocksOptions();
  db.write_buffer_size = options.memtable_bytes;
  db.max_write_buffer_number = 3;
  db.target_file_size_base = options.memtable_bytes;
  db.max_bytes_for_level_base = 4 * options.memtable_bytes;
  db.level_compaction_dynamic_level_bytes = true;
  db.compression = rocksdb::kLZ4Compression;
  db.periodic_compaction_seconds = kRewriteAfterSeconds;
  db.compaction_filter_factory = std::make_shared<WatermarkFilterFactory>(watermarks);
  db.table_factory.reset(rocksdb::NewBlockBasedTableFactory(TableOptions(options.cache_bytes)));
  return db;
}

// An iterator that sees the keys of [lower, upper) and nothing else. RocksDB keeps pointers to the bounds.
class RangeIterator {
 public:
  RangeIterator(rocksdb::DB& db, const IndexKey& lower, const IndexKey& upper)
      : lower_(lower),
        upper_(upper),
        lower_slice_(ToSlice(lower_.text())),
        upper_slice_(ToSlice(upper_.text())) {
    rocksdb::ReadOptions options;
    options.iterate_lower_bound = &lower_slice_;
    options.iterate_upper_bound = &upper_slice_;
    it_.reset(db.NewIterator(options));
  }
  RangeIterator(const RangeIterator&) = delete;
  RangeIterator& operator=(const RangeIterator&) = delete;

  rocksdb::Iterator* operator->() { return it_.get(); }
  rocksdb::Iterator& operator*() { return *it_; }

 private:
  const IndexKey lower_;
  const IndexKey upper_;
  const rocksdb::Slice lower_slice_;
  const rocksdb::Slice upper_slice_;
  std::unique_ptr<rocksdb::Iterator> it_;
};

ParsedKey KeyAt(rocksdb::Iterator& it) {
  return ParseKey(FromSlice(it.key())).value_or(ParsedKey{});
}

TimeEntry TimeAt(rocksdb::Iterator& it) {
  const ParsedKey key = KeyAt(it);
  return {.timestamp_ms = key.timestamp_ms, .offset = key.offset};
}

void AddUpdate(rocksdb::WriteBatch& batch, const LogId& log, const IndexUpdate& update) {
  for (const OffsetEntry& entry : update.offsets) {
    batch.Put(ToSlice(IndexKey::OfOffset(log, entry.offset).text()), EncodeOffsetEntry(entry));
  }
  for (const TimeEntry& entry : update.times) {
    batch.Put(ToSlice(IndexKey::OfTime(log, entry.timestamp_ms, entry.offset).text()), rocksdb::Slice());
  }
  for (const SegmentEntry& entry : update.sealed) {
    batch.Put(ToSlice(IndexKey::OfSegment(log, entry.base_offset).text()), EncodeSegmentEntry(entry));
  }
  if (update.checkpoint) {
    batch.Put(ToSlice(IndexKey::Of(KeyType::kCheckpoint, log).text()), EncodeCheckpoint(*update.checkpoint));
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<OffsetIndex>> OffsetIndex::Open(const Options& options) {
  return RocksOffsetIndex::Open(options);
}

RocksOffsetIndex::RocksOffsetIndex(std::string path) : path_(std::move(path)) {}

RocksOffsetIndex::~RocksOffsetIndex() = default;

absl::StatusOr<std::unique_ptr<RocksOffsetIndex>> RocksOffsetIndex::Open(const Options& options) {
  auto index = std::unique_ptr<RocksOffsetIndex>(new RocksOffsetIndex(options.path));
  ASSIGN_OR_RETURN(OpenedIndex opened,
                   OpenIndexFolder(options.path, DatabaseOptions(options, &index->watermarks_)));
  index->was_rebuilt_ = opened.is_new;
  const auto open_again = [options, watermarks = &index->watermarks_]() {
    auto again = OpenIndexFolder(options.path, DatabaseOptions(options, watermarks));
    return again.ok() ? absl::StatusOr<std::unique_ptr<rocksdb::DB>>(std::move(again->db)) : again.status();
  };
  index->db_ = std::make_unique<RocksDatabase>(options.path, std::move(opened.db), open_again);
  RETURN_IF_ERROR(index->LoadWatermarks());
  RETURN_IF_ERROR(index->ForgetEmptyDroppedLogs());
  return index;
}

absl::Status RocksOffsetIndex::LoadWatermarks() {
  const std::string begin(1, static_cast<char>(KeyType::kWatermark));
  ASSIGN_OR_RETURN(const RocksDatabase::Handle db, db_->Use());
  const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(rocksdb::ReadOptions()));
  for (it->Seek(begin); it->Valid() && it->key().starts_with(begin); it->Next()) {
    const std::optional<ParsedKey> key = ParseKey(FromSlice(it->key()));
    const std::optional<Offset> start = DecodeWatermark(FromSlice(it->value()));
    if (!key || !start) {
      return DamagedValue("a log's start");
    }
    watermarks_.Raise(key->log, *start);
  }
  return Explain(it->status(), "reading the starts of the logs");
}

// Only at the start, when no thread can be writing entries of a log that is being dropped.
absl::Status RocksOffsetIndex::ForgetEmptyDroppedLogs() {
  rocksdb::WriteBatch batch;
  for (const LogId& log : watermarks_.DroppedLogs()) {
    bool has_keys = false;
    for (const KeyType type : {KeyType::kCheckpoint, KeyType::kOffset, KeyType::kSegment, KeyType::kTime}) {
      ASSIGN_OR_RETURN(const bool found, HasKeys(type, log));
      has_keys = has_keys || found;
    }
    if (!has_keys) {
      batch.Delete(ToSlice(IndexKey::Of(KeyType::kWatermark, log).text()));
      watermarks_.Forget(log);
    }
  }
  return batch.Count() == 0 ? absl::OkStatus() : Commit(batch, "forgetting dropped logs");
}

absl::StatusOr<bool> RocksOffsetIndex::HasKeys(KeyType type, const LogId& log) {
  ASSIGN_OR_RETURN(const RocksDatabase::Handle db, db_->Use());
  RangeIterator it(*db, IndexKey::Of(type, log), IndexKey::After(type, log));
  it->SeekToFirst();
  RETURN_IF_ERROR(Explain(it->status(), "looking for keys of a dropped log"));
  return it->Valid();
}

absl::Status RocksOffsetIndex::Commit(rocksdb::WriteBatch& batch, absl::string_view what) {
  return Explain(db_->Write(rocksdb::WriteOptions(), &batch), what);
}

absl::Status RocksOffsetIndex::Explain(const rocksdb::Status& status, absl::string_view what) {
  if (status.IsCorruption() && !marked_damaged_.exchange(true)) {
    MarkIndexDamaged(path_);
  }
  return FromRocks(status, absl::StrCat("offset index ", path_, ", ", what,
                                        status.IsCorruption() ? " (the next start makes it again)" : ""));
}

absl::Status RocksOffsetIndex::DamagedValue(absl::string_view what) {
  return Explain(rocksdb::Status::Corruption("bytes that no version of Sluice writes"), what);
}

absl::Status RocksOffsetIndex::Write(const LogId& log, const IndexUpdate& update) {
  if (watermarks_.StartOf(log) == kDroppedLog) {
    return absl::OkStatus();  // A late flush of a log that was deleted meanwhile.
  }
  rocksdb::WriteBatch batch;
  AddUpdate(batch, log, update);
  return batch.Count() == 0 ? absl::OkStatus() : Commit(batch, "adding entries");
}

absl::StatusOr<std::optional<OffsetEntry>> RocksOffsetIndex::FindOffset(const LogId& log, Offset offset) {
  const Offset start = watermarks_.StartOf(log);
  if (offset < start || start == kDroppedLog) {
    return std::nullopt;
  }
  ASSIGN_OR_RETURN(const RocksDatabase::Handle db, db_->Use());
  RangeIterator it(*db, IndexKey::OfOffset(log, start), IndexKey::After(KeyType::kOffset, log));
  it->SeekForPrev(ToSlice(IndexKey::OfOffset(log, offset).text()));
  RETURN_IF_ERROR(Explain(it->status(), "looking up an offset"));
  if (!it->Valid()) {
    return std::nullopt;
  }
  const std::optional<OffsetEntry> entry = DecodeOffsetEntry(KeyAt(*it).offset, FromSlice(it->value()));
  if (!entry) {
    return DamagedValue("an offset entry");
  }
  return entry;
}

absl::StatusOr<OffsetIndex::TimeBounds> RocksOffsetIndex::FindTime(const LogId& log, int64_t timestamp_ms) {
  const Offset start = watermarks_.StartOf(log);
  TimeBounds bounds;
  if (start == kDroppedLog) {
    return bounds;
  }
  ASSIGN_OR_RETURN(const RocksDatabase::Handle db, db_->Use());
  RangeIterator it(*db, IndexKey::Of(KeyType::kTime, log), IndexKey::After(KeyType::kTime, log));
  it->Seek(ToSlice(IndexKey::OfTime(log, timestamp_ms, Offset(0)).text()));
  if (it->Valid() && KeyAt(*it).offset < start) {  // Dropped, and so is all before it.
    ASSIGN_OR_RETURN(bounds.at_or_after, FirstLiveTime(*it, log, start, TimeAt(*it).timestamp_ms));
    return bounds;
  }
  if (it->Valid()) {
    bounds.at_or_after = TimeAt(*it);
    it->Prev();
  } else {
    RETURN_IF_ERROR(Explain(it->status(), "looking up a timestamp"));
    it->SeekToLast();
  }
  if (it->Valid() && KeyAt(*it).offset >= start) {
    bounds.before = TimeAt(*it);
  }
  RETURN_IF_ERROR(Explain(it->status(), "looking up a timestamp"));
  return bounds;
}

// Timestamps and offsets rise together, so entries are dropped up to some timestamp and live from there on:
// it is found by bisection, where a walk could pass over millions of dropped entries.
absl::StatusOr<std::optional<TimeEntry>> RocksOffsetIndex::FirstLiveTime(rocksdb::Iterator& it,
                                                                         const LogId& log, Offset start,
                                                                         int64_t dropped_ms) {
  it.SeekToLast();
  if (!it.Valid() || KeyAt(it).offset < start) {
    RETURN_IF_ERROR(Explain(it.status(), "looking up a timestamp"));
    return std::nullopt;
  }
  int64_t live_ms = TimeAt(it).timestamp_ms;
  while (std::midpoint(dropped_ms, live_ms) != dropped_ms) {
    const int64_t middle_ms = std::midpoint(dropped_ms, live_ms);
    it.Seek(ToSlice(IndexKey::OfTime(log, middle_ms, Offset(0)).text()));
    if (it.Valid() && KeyAt(it).offset < start) {
      dropped_ms = TimeAt(it).timestamp_ms;
    } else {
      live_ms = middle_ms;
    }
  }
  it.Seek(ToSlice(IndexKey::OfTime(log, dropped_ms, start).text()));
  RETURN_IF_ERROR(Explain(it.status(), "looking up a timestamp"));
  return it.Valid() ? std::optional(TimeAt(it)) : std::nullopt;
}

absl::StatusOr<std::vector<SegmentEntry>> RocksOffsetIndex::SealedSegments(const LogId& log) {
  const Offset start = watermarks_.StartOf(log);
  std::vector<SegmentEntry> segments;
  ASSIGN_OR_RETURN(const RocksDatabase::Handle db, db_->Use());
  RangeIterator it(*db, IndexKey::Of(KeyType::kSegment, log), IndexKey::After(KeyType::kSegment, log));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    const auto segment = DecodeSegmentEntry(KeyAt(*it).offset, FromSlice(it->value()));
    if (!segment) {
      return DamagedValue("a segment entry");
    }
    if (segment->next_offset > start) {
      segments.push_back(*segment);
    }
  }
  RETURN_IF_ERROR(Explain(it->status(), "listing sealed segments"));
  return segments;
}

absl::StatusOr<std::optional<Checkpoint>> RocksOffsetIndex::ReadCheckpoint(const LogId& log) {
  if (watermarks_.StartOf(log) == kDroppedLog) {
    return std::nullopt;
  }
  ASSIGN_OR_RETURN(const RocksDatabase::Handle db, db_->Use());
  rocksdb::PinnableSlice value;
  const rocksdb::Status read = db->Get(rocksdb::ReadOptions(), db->DefaultColumnFamily(),
                                       ToSlice(IndexKey::Of(KeyType::kCheckpoint, log).text()), &value);
  if (read.IsNotFound()) {
    return std::nullopt;
  }
  RETURN_IF_ERROR(Explain(read, "reading a checkpoint"));
  std::optional<Checkpoint> checkpoint = DecodeCheckpoint(FromSlice(value));
  if (!checkpoint) {
    return DamagedValue("a checkpoint");
  }
  return checkpoint;
}

void RocksOffsetIndex::DropBefore(const LogId& log, Offset start) {
  RaiseStart(log, start);
}

void RocksOffsetIndex::DropLog(const LogId& log) {
  RaiseStart(log, kDroppedLog);
}

// Errors are of no consequence: hidden it is, and a start that did not reach the disk only brings back
// entries of segments that are gone, which the log drops again when it opens.
void RocksOffsetIndex::RaiseStart(const LogId& log, Offset start) {
  if (!watermarks_.Raise(log, start)) {
    return;
  }
  rocksdb::WriteBatch batch;
  batch.Put(ToSlice(IndexKey::Of(KeyType::kWatermark, log).text()), EncodeWatermark(start));
  Commit(batch, "dropping entries").IgnoreError();
  const IndexKey begin = IndexKey::Of(KeyType::kOffset, log);
  const IndexKey end = IndexKey::OfOffset(log, start);
  const rocksdb::Slice begin_slice = ToSlice(begin.text());
  const rocksdb::Slice end_slice = ToSlice(end.text());
  const rocksdb::RangePtr range(&begin_slice, &end_slice);
  if (const auto db = db_->Use(); db.ok()) {
    rocksdb::DeleteFilesInRanges(db->get(), (*db)->DefaultColumnFamily(), &range, 1, /*include_end=*/false)
        .PermitUncheckedError();
  }
}

// Deletes from the end of each range backwards, so that a crash midway leaves what a smaller cut would.
absl::Status RocksOffsetIndex::TruncateFrom(const LogId& log, Offset end) {
  RETURN_IF_ERROR(DropCheckpointPast(log, end));
  RETURN_IF_ERROR(DeleteTail(KeyType::kSegment, log, [end](const ParsedKey& key, absl::string_view value) {
    const auto segment = DecodeSegmentEntry(key.offset, value);
    return !segment || segment->next_offset > end;
  }));
  const auto is_cut = [end](const ParsedKey& key, absl::string_view) { return key.offset >= end; };
  RETURN_IF_ERROR(DeleteTail(KeyType::kTime, log, is_cut));
  return DeleteTail(KeyType::kOffset, log, is_cut);
}

// A range tombstone each: new entries of the range are written after it, and nobody scans across it.
absl::Status RocksOffsetIndex::ForgetRange(const LogId& log, Offset begin, Offset end) {
  rocksdb::WriteBatch batch;
  batch.DeleteRange(ToSlice(IndexKey::OfOffset(log, begin).text()),
                    ToSlice(IndexKey::OfOffset(log, end).text()));
  batch.DeleteRange(ToSlice(IndexKey::OfSegment(log, begin).text()),
                    ToSlice(IndexKey::OfSegment(log, end).text()));
  RETURN_IF_ERROR(Commit(batch, "forgetting a range that is rewritten"));
  return Flush();
}

absl::Status RocksOffsetIndex::DropCheckpointPast(const LogId& log, Offset end) {
  ASSIGN_OR_RETURN(const std::optional<Checkpoint> checkpoint, ReadCheckpoint(log));
  if (!checkpoint || checkpoint->next_offset <= end) {
    return absl::OkStatus();
  }
  rocksdb::WriteBatch batch;
  batch.Delete(ToSlice(IndexKey::Of(KeyType::kCheckpoint, log).text()));
  return Commit(batch, "removing a checkpoint past the new end");
}

absl::Status RocksOffsetIndex::DeleteTail(KeyType type, const LogId& log, IsCut is_cut) {
  IndexKey upper = IndexKey::After(type, log);
  while (true) {
    rocksdb::WriteBatch batch;
    RETURN_IF_ERROR(CollectTail(IndexKey::Of(type, log), upper, is_cut, batch));
    if (batch.Count() == 0) {
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(Commit(batch, "cutting off a tail"));
  }
}

// Lowers `upper` to the last key that it took, so that the next call does not pass over what was deleted.
absl::Status RocksOffsetIndex::CollectTail(const IndexKey& lower, IndexKey& upper, IsCut is_cut,
                                           rocksdb::WriteBatch& batch) {
  ASSIGN_OR_RETURN(const RocksDatabase::Handle db, db_->Use());
  RangeIterator it(*db, lower, upper);
  for (it->SeekToLast(); it->Valid() && batch.GetDataSize() < kTruncateBatchBytes; it->Prev()) {
    const ParsedKey key = KeyAt(*it);
    if (!is_cut(key, FromSlice(it->value()))) {
      break;
    }
    batch.Delete(it->key());
    upper = IndexKey::Of(key);
  }
  return Explain(it->status(), "cutting off a tail");
}

absl::Status RocksOffsetIndex::Sync() {
  ASSIGN_OR_RETURN(const RocksDatabase::Handle db, db_->Use());
  return Explain(db->FlushWAL(/*sync=*/true), "syncing the write-ahead log");
}

absl::Status RocksOffsetIndex::Flush() {
  ASSIGN_OR_RETURN(const RocksDatabase::Handle db, db_->Use());
  return Explain(db->Flush(rocksdb::FlushOptions()), "writing out");
}

absl::Status RocksOffsetIndex::Compact() {
  ASSIGN_OR_RETURN(const RocksDatabase::Handle db, db_->Use());
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  return Explain(db->CompactRange(options, nullptr, nullptr), "compacting");
}

}  // namespace sluice::storage
