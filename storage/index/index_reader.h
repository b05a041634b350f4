// Reads an offset index without changing a byte of it: for tools that look at a stopped log dir. The broker
// uses OffsetIndex.
//
// Thread-compatible. Everything may block.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/index/log_id.h"
#include "storage/index/offset_index.h"

namespace sluice::storage {

class IndexReader {
 public:
  // absl::NotFound: there is none. absl::DataLoss: it cannot be read, or is of another format; a start would
  // make it again.
  static absl::StatusOr<std::unique_ptr<IndexReader>> Open(const std::string& path);
  virtual ~IndexReader() = default;

  virtual absl::StatusOr<std::optional<Checkpoint>> ReadCheckpoint(const LogId& log) = 0;
  // By base offset; also those that a log's start hides by now.
  virtual absl::StatusOr<std::vector<SegmentEntry>> SealedSegments(const LogId& log) = 0;
  // Ascending, from `from` on; until `visit` answers false.
  using OffsetVisitor = absl::FunctionRef<bool(const OffsetEntry&)>;
  virtual absl::Status VisitOffsets(const LogId& log, Offset from, OffsetVisitor visit) = 0;
  using TimeVisitor = absl::FunctionRef<bool(const TimeEntry&)>;
  virtual absl::Status VisitTimes(const LogId& log, TimeVisitor visit) = 0;
};

}  // namespace sluice::storage
