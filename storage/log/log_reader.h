// The read path of a log: from an offset to a range of a file, whole batches only.
//
// Where a batch starts is known, in this order, from the consumer's cursor, from the tail index in memory, or
// from the offset index and a walk over batch headers; only the last one may block.
//
//   position  |[10,29]|[30,30]|[31,44]|[45,60]|
//             ^ place         ^ cut             read 10 with max_bytes reaching into [31,44]
//
// Threads: any number may read; there is no state here but references to the log's parts.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "storage/index/offset_index.h"
#include "storage/log/batch_reader.h"
#include "storage/log/log.h"
#include "storage/log/log_position.h"
#include "storage/log/segment_list.h"
#include "storage/log/tail_index.h"

namespace sluice::storage {

enum class MayBlock : bool { kNo, kYes };

// A batch in a segment: it begins at `position` and with `offset`.
struct Place {
  SegmentInfo segment;
  Offset offset;
  uint64_t position = 0;
};

class LogReader {
 public:
  // All are the log's and outlive the reader.
  struct Parts {
    const SegmentList& segments;
    const TailIndex& tail;
    const PositionCell& end;
    const PositionCell& durable;
    OffsetIndex& index;
    const LogId& id;
  };
  explicit LogReader(const Parts& parts) : parts_(parts) {}

  // `start` is the log's. `cursor` may be null.
  ReadOutcome Read(const ReadRequest& request, Offset start, ReadCursor* cursor, MayBlock may_block) const;

  // The batch that holds `offset`, which is below `end` and not below the log's start. Empty: it would block.
  absl::StatusOr<std::optional<Place>> Locate(Offset offset, const LogPosition& end,
                                              MayBlock may_block) const;

  // Where the published bytes of a segment end. `end` must have been read before `segment` was.
  static LogPosition EndOf(const SegmentInfo& segment, const LogPosition& end);

 private:
  struct Cut {
    Offset offset;
    uint64_t position = 0;
  };
  // What a read is bound by.
  struct Bounds {
    LogPosition end;  // Of the log.
    Offset limit;     // No batch that reaches beyond it.
    uint64_t max_bytes;
    bool at_least_one_batch;
  };

  std::optional<Place> FromCursor(const ReadCursor& cursor, const LogPosition& end) const;
  std::optional<Place> StartOfNext(Offset after) const;
  std::optional<OffsetEntry> EntryBefore(Offset offset, Offset segment_base, MayBlock may_block,
                                         bool* would_block) const;
  absl::StatusOr<std::optional<Place>> WalkTo(Offset offset, const SegmentInfo& segment,
                                              const LogPosition& segment_end, Cut from) const;
  bool MayWalk(const SegmentInfo& segment, Offset from, MayBlock may_block) const;

  absl::StatusOr<std::optional<Cut>> FindCut(const Place& place, const Bounds& bounds,
                                             MayBlock may_block) const;
  std::optional<Cut> KnownBound(const Place& place, const LogPosition& segment_end, Offset limit) const;
  Cut SeekNear(const Place& place, const LogPosition& segment_end, uint64_t target, Offset limit,
               Cut best) const;
  absl::StatusOr<bool> StartsBatch(const SegmentInfo& segment, const LogPosition& segment_end, Cut cut) const;
  absl::StatusOr<Cut> WalkCut(const Place& place, const LogPosition& segment_end, uint64_t target,
                              const Bounds& bounds, Cut from) const;

  const Parts parts_;
};

}  // namespace sluice::storage
