#include "storage/tools/verify.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "storage/tools/index_check.h"
#include "storage/tools/segment_row.h"

namespace sluice::storage {
namespace {

using Fault = SegmentWalk::Fault;
using StepKind = SegmentWalk::Kind;

Problem::Kind KindOf(Fault fault) {
  switch (fault) {
    case Fault::kWrongOffset:
    case Fault::kMisplaced:
      return Problem::Kind::kOffset;
    case Fault::kGap:
      return Problem::Kind::kGap;
    case Fault::kEpochFell:
      return Problem::Kind::kEpoch;
    default:
      return Problem::Kind::kDamage;
  }
}

class Verification {
 public:
  Verification(const VerifyInput& input, ProgressFunction progress) : in_(input), progress_(progress) {}

  absl::StatusOr<PartitionReport> Run();

 private:
  void VerifySegment(size_t index);
  absl::Status WalkSegment(size_t index);
  void Take(const SegmentWalk::Step& step, size_t index);
  void EndSegment(size_t index, const SegmentWalk& walk, uint64_t end);
  void CheckEnd();

  const VerifyInput& in_;
  ProgressFunction progress_;
  SegmentRow row_;
  IndexCheck index_;
  PartitionReport report_;
  LeaderEpoch epoch_{0};
  Offset expected_;
  uint64_t done_ = 0;
  // A stretch of no batch is torn rather than damaged if nothing whole follows it in the last segment.
  std::optional<Problem> maybe_torn_;
  uint64_t maybe_torn_bytes_ = 0;
};

absl::StatusOr<PartitionReport> Verification::Run() {
  report_.name = in_.partition.name;
  report_.marked_damaged = in_.partition.marked_damaged;
  ASSIGN_OR_RETURN(row_, ReadSegmentRow(in_.disk, in_.partition));
  report_.segments = row_.items.size();
  for (const std::string& name : in_.partition.interrupted) {
    report_.Add({.kind = Problem::Kind::kGap,
                 .file = in_.partition.PathOf(name),
                 .reason = "a repair was interrupted here; run `sluice log repair --yes` again"});
  }
  if (row_.items.empty()) {
    return std::move(report_);
  }
  if (in_.index != nullptr && in_.partition.id) {
    index_.Load(*in_.index, *in_.partition.id, row_, &report_);
  }
  expected_ = report_.first_offset = in_.only_segment.value_or(row_.items.front().base);
  for (size_t i = 0; i < row_.items.size() && (i == 0 || row_.IsPartOfLog(i, expected_)); ++i) {
    if (in_.only_segment && row_.items[i].base != *in_.only_segment) {
      expected_ = row_.EndOf(i).value_or(expected_);
    } else {
      VerifySegment(i);
    }
  }
  report_.next_offset = expected_;
  if (!in_.only_segment) {
    CheckEnd();
  }
  return std::move(report_);
}

void Verification::VerifySegment(size_t index) {
  const SegmentRow::Item& item = row_.items[index];
  if (const absl::Status walked = WalkSegment(index); !walked.ok()) {
    report_.Add({.kind = Problem::Kind::kUnreadable,
                 .file = item.path,
                 .offset = expected_,
                 .reason = std::string(walked.message())});
    expected_ = row_.EndOf(index).value_or(expected_);
  }
  done_ += item.size_bytes;
}

absl::Status Verification::WalkSegment(size_t index) {
  const SegmentRow::Item& item = row_.items[index];
  ASSIGN_OR_RETURN(const std::unique_ptr<File> file, in_.disk.Open(item.path, Disk::OpenMode::kReadOnly));
  SegmentWalk walk(*file, row_.BoundsOf(index, epoch_));
  uint64_t end = 0;
  expected_ = item.base;
  while (true) {
    ASSIGN_OR_RETURN(const SegmentWalk::Step step, walk.Next());
    if (step.kind == StepKind::kEnd) {
      break;
    }
    Take(step, index);
    end = step.kind == StepKind::kBatch ? step.position + step.size_bytes : end;
    expected_ = walk.expected();
    epoch_ = walk.epoch();
    progress_({.file = item.path, .bytes_done = done_ + walk.position(), .bytes_total = row_.bytes});
  }
  EndSegment(index, walk, end);
  return absl::OkStatus();
}

void Verification::Take(const SegmentWalk::Step& step, size_t index) {
  const std::string& path = row_.items[index].path;
  if (step.kind == StepKind::kRoom) {
    return;
  }
  if (maybe_torn_) {  // Something follows it: it was damaged.
    report_.Add(*std::exchange(maybe_torn_, std::nullopt));
  }
  if (step.kind == StepKind::kBatch) {
    ++report_.batches;
    report_.records += static_cast<uint64_t>(std::max(0, step.header.record_count()));
    report_.bytes += step.size_bytes;
  }
  if (step.is_damage()) {
    index_.PassOver(row_.items[index].base, step.position, step.size_bytes);
  } else {
    const Offset offset = step.fault == Fault::kWrongOffset ? step.expected : step.header.base_offset();
    index_.TakeBatch({offset, row_.items[index].base, step.position}, &report_);
  }
  if (step.fault == Fault::kNone) {
    return;
  }
  Problem problem{.kind = KindOf(step.fault),
                  .file = path,
                  .position = step.position,
                  .offset = step.expected,
                  .reason = step.reason};
  if (step.kind == StepKind::kNoBatch && index == row_.last) {
    maybe_torn_ = std::move(problem);
    maybe_torn_bytes_ = step.size_bytes;
    return;
  }
  report_.Add(std::move(problem));
}

void Verification::EndSegment(size_t index, const SegmentWalk& walk, uint64_t end) {
  const SegmentRow::Item& item = row_.items[index];
  const std::optional<Offset> next = row_.EndOf(index);
  const bool sealed = index + 1 < row_.items.size() && row_.IsPartOfLog(index + 1, walk.expected());
  index_.EndSegment(item, {walk.expected(), item.base, end}, sealed, &report_);
  if (next && walk.expected() < *next) {
    const bool told = !report_.problems.empty() && report_.problems.back().file == item.path &&
                      report_.problems.back().offset == walk.expected();
    if (!told) {
      report_.Add({.kind = Problem::Kind::kGap,
                   .file = item.path,
                   .position = end,
                   .offset = walk.expected(),
                   .reason = absl::StrCat("the segment ends at offset ", walk.expected().value(),
                                          " and the next begins at ", next->value())});
    }
  }
}

// The end of the log: what is torn there, and what the checkpoint says was there.
void Verification::CheckEnd() {
  const std::optional<Checkpoint>& checkpoint = index_.checkpoint();
  const bool durable_is_gone = checkpoint && checkpoint->next_offset > expected_;
  if (maybe_torn_) {
    report_.tail = durable_is_gone ? TailState::kDamaged : TailState::kTorn;
    report_.tail_bytes = maybe_torn_bytes_;
    if (in_.clean || durable_is_gone) {
      maybe_torn_->kind = Problem::Kind::kTail;
      report_.Add(*maybe_torn_);
    }
  } else if (durable_is_gone) {
    report_.tail = TailState::kDamaged;
  }
  index_.CheckCheckpoint(row_, expected_, &report_);
}

}  // namespace

absl::string_view NameOf(Problem::Kind kind) {
  switch (kind) {
    case Problem::Kind::kDamage:
      return "damage";
    case Problem::Kind::kOffset:
      return "offset";
    case Problem::Kind::kGap:
      return "gap";
    case Problem::Kind::kEpoch:
      return "epoch";
    case Problem::Kind::kTail:
      return "tail";
    case Problem::Kind::kUnreadable:
      return "unreadable";
    case Problem::Kind::kCheckpoint:
      return "checkpoint";
    case Problem::Kind::kIndex:
      return "index";
  }
  return "unknown";
}

absl::string_view NameOf(TailState tail) {
  switch (tail) {
    case TailState::kClean:
      return "clean";
    case TailState::kTorn:
      return "torn";
    case TailState::kDamaged:
      return "damaged";
  }
  return "unknown";
}

void PartitionReport::Add(Problem problem) {
  ++problem_count;
  if (problems.size() < kProblemsMax) {
    problems.push_back(std::move(problem));
  }
}

absl::StatusOr<PartitionReport> VerifyPartition(const VerifyInput& input, ProgressFunction progress) {
  return Verification(input, progress).Run();
}

}  // namespace sluice::storage
