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
  Offset segment_base;
  uint64_t position = 0;
};

// No record before `offset` has a timestamp of `timestamp_ms` or more... that was not indexed earlier: the
// largest timestamp of all batches before and including the one at `offset` is `timestamp_ms`, first reached
// there.
struct TimeEntry {
  int64_t timestamp_ms = 0;
  Offset offset;
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
  Offset segment_base;
  uint64_t position = 0;
  std::string state;
};

// What one log adds to the index in one atomic write.
struct IndexUpdate {
  std::vector<OffsetEntry> offsets;  // Ascending.
  std::vector<TimeEntry> times;      // Ascending in both fields.
  std::vector<SegmentEntry> sealed;
  std::optional<Checkpoint> checkpoint;
};

// Thread-safe. Everything may block.
class OffsetIndex {
 public:
  struct Options {
    std::string path;
    uint64_t cache_bytes = 32ull << 20;
    uint64_t memtable_bytes = 8ull << 20;
  };
  // Opens or creates. A database that is damaged or of another format is moved away and a new one begun:
  // was_rebuilt() then says that every log must be walked.
  static absl::StatusOr<std::unique_ptr<OffsetIndex>> Open(const Options& options);
  virtual ~OffsetIndex() = default;

  virtual absl::Status Write(const LogId& log, const IndexUpdate& update) = 0;

  // The last entry at or before `offset` and not before `log_start`, if any.
  virtual absl::StatusOr<std::optional<OffsetEntry>> FindOffset(const LogId& log, Offset offset) = 0;
  // The first entry with timestamp >= `timestamp_ms`, and the entry before that one.
  struct TimeBounds {
    std::optional<TimeEntry> before;  // Last with timestamp < asked.
    std::optional<TimeEntry> at_or_after;
  };
  virtual absl::StatusOr<TimeBounds> FindTime(const LogId& log, int64_t timestamp_ms) = 0;
  virtual absl::StatusOr<std::vector<SegmentEntry>> SealedSegments(const LogId& log) = 0;
  virtual absl::StatusOr<std::optional<Checkpoint>> ReadCheckpoint(const LogId& log) = 0;

  // Forgets what lies before `start` (retention) or from `end` on (a truncated tail, which is small: deleted
  // for real).
  virtual void DropBefore(const LogId& log, Offset start) = 0;
  virtual absl::Status TruncateFrom(const LogId& log, Offset end) = 0;
  virtual void DropLog(const LogId& log) = 0;

  // Everything written so far survives the process and, as far as the disk was synced, a power cut.
  virtual absl::Status Flush() = 0;
  virtual bool was_rebuilt() const = 0;
};

}  // namespace sluice::storage
