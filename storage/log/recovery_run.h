// How RecoverLog (recovery.h) goes about it. One idea a file:
//
//   recovery.cc       what is known before the walk: files, checkpoint, journal
//   recovery_walk.cc  batch by batch through what is not known; sealed segments by their entries in the index
//   recovery_tail.cc  where a walk ended: the log's end, a torn tail, a hole that may be, or damage
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/log/batch_reader.h"
#include "storage/log/index_feeder.h"
#include "storage/log/recovery.h"
#include "storage/log/segment_name.h"

namespace sluice::storage {

// Runs once. `input` outlives it.
class Recovery {
 public:
  explicit Recovery(const RecoveryInput& input) : in_(input) {}

  absl::StatusOr<RecoveredLog> Run();

 private:
  // A stretch of one file that was walked.
  struct Walked {
    std::shared_ptr<Segment> segment;
    std::shared_ptr<File> file;
    uint64_t file_size = 0;
    LogPosition end;
  };

  // recovery.cc
  absl::Status ListSegments();
  absl::Status LoadCheckpoint();
  absl::Status Replay();
  absl::Status FlushEntries();
  std::string Path(size_t index) const { return Path(SegmentFileName(bases_[index])); }
  std::string Path(const std::string& name) const { return absl::StrCat(in_.directory, "/", name); }
  // `lost_from`: what cannot be followed any more; the file's base offset where nothing nearer is known.
  absl::Status DamagedAt(const std::string& path, uint64_t position, absl::string_view what,
                         std::optional<Offset> lost_from = std::nullopt) const;

  // recovery_walk.cc
  absl::Status TakeSealed(size_t index, const std::map<Offset, SegmentEntry>& known);
  absl::StatusOr<SegmentEntry> MeasureSealed(size_t index);
  absl::Status WalkFrom(size_t index);
  Offset NextBase(size_t index) const;
  absl::StatusOr<Walked> Walk(size_t index, LogPosition from, bool verify);
  absl::StatusOr<bool> IsGood(BatchReader& reader, uint64_t position, const record::BatchView& header,
                              bool verify, Offset expected);
  bool Follows(const record::BatchView& header, Offset expected) const;
  void Note(const record::BatchView& header, Segment& segment, uint64_t position);

  // recovery_tail.cc
  absl::Status FinishSegment(size_t index, const Walked& walked, bool* is_last);
  absl::StatusOr<bool> LaterHoldBatches(size_t index);
  bool WasAcknowledged(const LogPosition& position) const;
  bool MayHaveHoles(size_t index, const Walked& walked) const;
  std::string Loss(const Walked& walked) const;
  absl::Status Seal(const Walked& walked);

  const RecoveryInput& in_;
  std::vector<Offset> bases_;  // Of the segment files, ascending.
  std::optional<Checkpoint> checkpoint_;
  std::optional<LogPosition> acknowledged_;  // What checkpoint and journal together vouch for.
  RecoveredLog out_;
  IndexFeeder feeder_;
  EpochCache epochs_;
  IndexUpdate update_;
};

}  // namespace sluice::storage
