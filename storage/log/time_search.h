// Finds records by timestamp (ListOffsets): the segment by its largest timestamp, the stretch within it by
// the time index, then batch headers, then the one batch's records. Blocks. No state but references.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "storage/index/offset_index.h"
#include "storage/log/log.h"
#include "storage/log/log_reader.h"

namespace sluice::storage {

class TimeSearch {
 public:
  // The parts are the log's and outlive the search. The index must have been given all pending time entries.
  TimeSearch(const LogReader& reader, const SegmentList& segments, const PositionCell& end,
             OffsetIndex& index, const LogId& id)
      : reader_(reader), segments_(segments), end_(end), index_(index), id_(id) {}

  // The first record in [start, limit) with timestamp >= `timestamp_ms`.
  absl::StatusOr<std::optional<OffsetAndTimestamp>> FirstAtOrAfter(int64_t timestamp_ms, Offset start,
                                                                   Offset limit) const;
  // The first of the records in [start, limit) with the largest timestamp.
  absl::StatusOr<std::optional<OffsetAndTimestamp>> Largest(Offset start, Offset limit) const;

 private:
  // Stops when `visit` returns true.
  using BatchVisitor =
      absl::FunctionRef<absl::StatusOr<bool>(const record::BatchView& header, File& file, uint64_t position)>;
  // The batches of [from, limit) as far as `segment` reaches. Whatever file holds them now: compaction may
  // have replaced the segment since it was asked for.
  absl::Status WalkHeaders(const SegmentInfo& segment, Offset from, Offset limit, BatchVisitor visit) const;
  absl::StatusOr<std::optional<OffsetAndTimestamp>> SearchSegment(const SegmentInfo& segment,
                                                                  int64_t timestamp_ms, Offset start,
                                                                  Offset limit) const;
  absl::StatusOr<int64_t> LargestIn(const SegmentInfo& segment, Offset start, Offset limit) const;

  const LogReader& reader_;
  const SegmentList& segments_;
  const PositionCell& end_;
  OffsetIndex& index_;
  const LogId& id_;
};

}  // namespace sluice::storage
