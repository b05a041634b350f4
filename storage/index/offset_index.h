// The offset index: where in which segment an offset stands, kept in RocksDB, one database for all logs of a
// log dir.
//
// It is derived: each entry can be had again from the log, so it is written in batches off the ack path, is
// never synced, and may be deleted while the broker is down. Sparse: about one entry per index.interval.bytes
// of log. Layout of keys and values: docs/formats/index.md.
//
// Dropping part of a log writes no tombstones: entries below a log's start, and those of dropped logs, are
// skipped by readers and vanish in compaction.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/base/ids.h"
#include "storage/index/log_id.h"

namespace sluice::storage {

// The batch that starts at byte `position` of the segment whose base offset is `segment_base` has base offset
// `offset`.
struct OffsetEntry {
  Offset offset;
  Offset segment_base = {};
  uint64_t position = 0;
};

// The batch at `offset` is the first of its log whose records reach `timestamp_ms`; no record before it is as
// late. So entries rise strictly in both fields, and a log that opens finds the latest timestamp so far with
// FindTime(log, max).before.
struct TimeEntry {
  int64_t timestamp_ms = 0;
  Offset offset = {};
};

// What is known of a sealed segment without opening it.
struct SegmentEntry {
  Offset base_offset;
  Offset next_offset;  // One past its last record.
  uint64_t size_bytes = 0;
  int64_t max_timestamp_ms = -1;  // -1: holds no record.
};

// Everything a log of `next_offset` at `position` of segment `segment_base` and before is on the disk and in
// the index: recovery starts there. `state` is the log's own snapshot (producers, leader epochs), opaque
// here.
struct Checkpoint {
  Offset next_offset;
  Offset segment_base = {};
  uint64_t position = 0;
  std::string state = {};
};

// What one log adds to the index in one atomic write.
struct IndexUpdate {
  std::vector<OffsetEntry> offsets = {};  // Ascending.
  std::vector<TimeEntry> times = {};      // Ascending in both fields.
  std::vector<SegmentEntry> sealed = {};
  std::optional<Checkpoint> checkpoint = {};
};

// Thread-safe. Everything may block.
class OffsetIndex {
 public:
  struct Options {
    std::string path;
    uint64_t cache_bytes = 32ull << 20;
    uint64_t memtable_bytes = 8ull << 20;
  };
  // Opens or creates. A database that is damaged or of another format is set aside (as `path`.broken.N; the
  // last one is kept) and a new one begun: was_rebuilt() then says that every log must be walked, as does,
  // for one log, an absent checkpoint. Errors: absl::FailedPrecondition: another process has it open;
  // absl::ResourceExhausted: the disk is full.
  static absl::StatusOr<std::unique_ptr<OffsetIndex>> Open(const Options& options);
  virtual ~OffsetIndex() = default;

  // All or nothing. What was written before is replaced where the keys are the same. Entries of a dropped log
  // are let fall. An error leaves the index behind the log, which is safe: the next checkpoint that is
  // written must then cover what this update held.
  virtual absl::Status Write(const LogId& log, const IndexUpdate& update) = 0;

  // Lookups answer absl::DataLoss when they meet damage: walk the segment instead; the next Open begins a new
  // index.

  // The last entry at or before `offset` that was not dropped, if any.
  virtual absl::StatusOr<std::optional<OffsetEntry>> FindOffset(const LogId& log, Offset offset) = 0;
  // The first entry with timestamp >= `timestamp_ms`, and the entry before that one.
  struct TimeBounds {
    std::optional<TimeEntry> before;  // Last with timestamp < asked.
    std::optional<TimeEntry> at_or_after;
  };
  virtual absl::StatusOr<TimeBounds> FindTime(const LogId& log, int64_t timestamp_ms) = 0;
  // By base offset.
  virtual absl::StatusOr<std::vector<SegmentEntry>> SealedSegments(const LogId& log) = 0;
  virtual absl::StatusOr<std::optional<Checkpoint>> ReadCheckpoint(const LogId& log) = 0;

  // Forgets what lies before `start`: the base offset of the first segment that stays. (A log start inside a
  // segment, from DeleteRecords, is the log's own knowledge: dropping up to there would hide the entry that a
  // lookup just behind it needs.) Hidden when it returns; the space comes back in compaction. A start that is
  // lost in a power cut is given again when the log opens.
  virtual void DropBefore(const LogId& log, Offset start) = 0;
  // Forgets entries at `end` and after, sealed segments that reach past it, and a checkpoint past it. Costs
  // what it deletes; call it on every recovery, an index may be ahead of a log after a power cut.
  virtual absl::Status TruncateFrom(const LogId& log, Offset end) = 0;
  // Forgets the offset entries and the sealed segments that begin in [begin, end), and what this and all
  // before wrote is on the disk when it returns: the files that they speak of are about to be replaced.
  virtual absl::Status ForgetRange(const LogId& log, Offset begin, Offset end) = 0;
  // Forgets all of a log, for ever: a LogId is not used twice.
  virtual void DropLog(const LogId& log) = 0;

  // Everything written so far is on the disk when it returns: in the write-ahead log, which is cheap...
  virtual absl::Status Sync() = 0;
  // ... or in table files.
  virtual absl::Status Flush() = 0;
  // Open() began with nothing: the index was missing or could not be used.
  virtual bool was_rebuilt() const = 0;
};

}  // namespace sluice::storage
