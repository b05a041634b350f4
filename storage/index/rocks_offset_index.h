// The OffsetIndex in RocksDB.
//
// Writes go through RocksDB's log but are never synced: killing the process loses nothing, a power cut loses
// a suffix, and a log's recovery starts from its checkpoint, which is then an older one. Lookups make an
// iterator bounded to the log's live range, so that they read no neighbour and skip no dropped entry.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"
#include "storage/index/key_codec.h"
#include "storage/index/offset_index.h"
#include "storage/index/start_watermarks.h"
#include "storage/index/watermark_filter.h"
#include "storage/rocks/rocks_database.h"

namespace sluice::storage {

class RocksOffsetIndex final : public OffsetIndex {
 public:
  static absl::StatusOr<std::unique_ptr<RocksOffsetIndex>> Open(const Options& options);
  ~RocksOffsetIndex() override;

  absl::Status Write(const LogId& log, const IndexUpdate& update) override;
  absl::StatusOr<std::optional<OffsetEntry>> FindOffset(const LogId& log, Offset offset) override;
  absl::StatusOr<TimeBounds> FindTime(const LogId& log, int64_t timestamp_ms) override;
  absl::StatusOr<std::vector<SegmentEntry>> SealedSegments(const LogId& log) override;
  absl::StatusOr<std::optional<Checkpoint>> ReadCheckpoint(const LogId& log) override;
  void DropBefore(const LogId& log, Offset start) override;
  absl::Status TruncateFrom(const LogId& log, Offset end) override;
  absl::Status ForgetRange(const LogId& log, Offset begin, Offset end) override;
  void DropLog(const LogId& log) override;
  absl::Status Sync() override;
  absl::Status Flush() override;
  bool was_rebuilt() const override { return was_rebuilt_; }

  // Rewrites all files now, without what was dropped. Slow; RocksDB gets there by itself.
  absl::Status Compact();

 private:
  using IsCut = absl::FunctionRef<bool(const ParsedKey&, absl::string_view)>;

  explicit RocksOffsetIndex(std::string path);

  absl::Status LoadWatermarks();
  absl::Status ForgetEmptyDroppedLogs();
  absl::StatusOr<bool> HasKeys(KeyType type, const LogId& log);
  absl::Status Commit(rocksdb::WriteBatch& batch, absl::string_view what);
  // Hides what lies below `start`, and gives back whole files that lie below it.
  void RaiseStart(const LogId& log, Offset start);
  absl::Status DropCheckpointPast(const LogId& log, Offset end);
  absl::Status DeleteTail(KeyType type, const LogId& log, IsCut is_cut);
  absl::Status CollectTail(const IndexKey& lower, IndexKey& upper, IsCut is_cut, rocksdb::WriteBatch& batch);
  absl::StatusOr<std::optional<TimeEntry>> FirstLiveTime(rocksdb::Iterator& it, const LogId& log,
                                                         Offset start, int64_t dropped_ms);
  // RocksDB's error, said in a sentence. Damage is also noted for the next start, which makes the index
  // again.
  absl::Status Explain(const rocksdb::Status& status, absl::string_view what);
  absl::Status DamagedValue(absl::string_view what);

  const std::string path_;
  bool was_rebuilt_ = false;  // Set in Open.
  std::atomic<bool> marked_damaged_ = false;
  StartWatermarks watermarks_;  // Must outlive db_, whose compactions read it.
  std::unique_ptr<RocksDatabase> db_;
};

}  // namespace sluice::storage
