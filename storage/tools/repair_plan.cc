#include "storage/tools/repair_plan.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"

namespace sluice::storage {
namespace {

using Fault = SegmentWalk::Fault;
using StepKind = SegmentWalk::Kind;

constexpr size_t kReasonsMax = 20;

class Planner {
 public:
  Planner(const RepairInput& input, const std::optional<Checkpoint>& checkpoint, ProgressFunction progress)
      : in_(input), checkpoint_(checkpoint), progress_(progress) {}

  absl::StatusOr<RepairPlan> Run();

 private:
  // A segment while it is walked over.
  struct Draft {
    SegmentRepair repair;
    bool changed = false;
    bool hole = false;            // Something is missing before the next batch.
    uint64_t trailing_bytes = 0;  // That are no batch, at the end so far.
    uint64_t batches = 0;
  };

  absl::StatusOr<Draft> DraftSegment(size_t index);
  void Take(const SegmentWalk::Step& step, Draft* draft);
  void Keep(const SegmentWalk::Step& step, Draft* draft);
  void Lose(Offset to, Draft* draft);
  void Explain(const SegmentWalk::Step& step, Draft* draft) const;
  void EndSegment(size_t index, Draft* draft);
  void MeetCheckpoint(Offset base, uint64_t position);
  void Finish(size_t index, Draft draft);
  void CutLater(const SegmentRow::Item& item);

  const RepairInput& in_;
  const std::optional<Checkpoint>& checkpoint_;
  ProgressFunction progress_;
  SegmentRow row_;
  RepairPlan plan_;
  Offset kept_end_;   // One past the last offset that stays.
  Offset found_end_;  // One past the last offset that was seen, kept or not.
  LeaderEpoch epoch_{0};
  bool cut_ = false;  // kTruncate: the log ends here.
  bool checkpoint_met_ = false;
  uint64_t done_ = 0;
};

absl::StatusOr<RepairPlan> Planner::Run() {
  ASSIGN_OR_RETURN(row_, ReadSegmentRow(in_.disk, in_.partition));
  if (row_.items.empty()) {
    return std::move(plan_);
  }
  kept_end_ = found_end_ = row_.items.front().base;
  for (size_t i = 0; i < row_.items.size(); ++i) {
    if (!cut_ && i > 0 && !row_.IsPartOfLog(i, kept_end_)) {
      break;
    }
    ASSIGN_OR_RETURN(Draft draft, DraftSegment(i));
    done_ += row_.items[i].size_bytes;
    Finish(i, std::move(draft));
  }
  if (cut_) {
    const Offset durable = checkpoint_ ? checkpoint_->next_offset : kept_end_;
    const Offset end = std::max(found_end_, durable);
    plan_.lost = {{kept_end_, end > kept_end_ ? std::optional(Offset(end.value() - 1)) : std::nullopt}};
  }
  plan_.index_is_wrong =
      checkpoint_ && !checkpoint_met_ && checkpoint_->segment_base >= row_.items.front().base;
  return std::move(plan_);
}

absl::StatusOr<Planner::Draft> Planner::DraftSegment(size_t index) {
  const SegmentRow::Item& item = row_.items[index];
  Draft draft;
  draft.repair.segment = item;
  ASSIGN_OR_RETURN(const std::unique_ptr<File> file, in_.disk.Open(item.path, Disk::OpenMode::kReadOnly));
  SegmentWalk walk(*file, row_.BoundsOf(index, epoch_));
  while (true) {
    ASSIGN_OR_RETURN(const SegmentWalk::Step step, walk.Next());
    MeetCheckpoint(item.base, step.position);
    if (step.kind == StepKind::kEnd) {
      break;
    }
    if (step.kind == StepKind::kBatch && step.fault != Fault::kMisplaced) {
      found_end_ = std::max(found_end_, walk.expected());
    }
    if (!cut_) {
      Take(step, &draft);
    }
    epoch_ = walk.epoch();
    progress_({.file = item.path, .bytes_done = done_ + walk.position(), .bytes_total = row_.bytes});
  }
  if (!cut_) {
    EndSegment(index, &draft);
  }
  return draft;
}

void Planner::MeetCheckpoint(Offset base, uint64_t position) {
  if (checkpoint_ && checkpoint_->segment_base == base && checkpoint_->position == position) {
    checkpoint_met_ = checkpoint_->next_offset == kept_end_;
  }
}

void Planner::Take(const SegmentWalk::Step& step, Draft* draft) {
  if (step.kind == StepKind::kRoom) {
    return;
  }
  if (step.kind == StepKind::kNoBatch) {
    draft->trailing_bytes += step.size_bytes;
    Explain(step, draft);
    return;
  }
  const bool damaged =
      draft->trailing_bytes > 0 || (step.fault != Fault::kNone && step.fault != Fault::kEpochFell);
  if (damaged) {
    draft->changed = true;
    cut_ = in_.way == RepairWay::kTruncate;
  }
  if (step.fault != Fault::kNone && step.fault != Fault::kEpochFell) {
    Explain(step, draft);
  }
  if (cut_) {
    return;
  }
  draft->hole = draft->hole || draft->trailing_bytes > 0 || step.fault == Fault::kGap;
  draft->repair.dropped_bytes += std::exchange(draft->trailing_bytes, 0);
  if (step.fault == Fault::kMisplaced) {
    draft->hole = true;
    draft->repair.dropped_bytes += step.size_bytes;
    return;
  }
  Keep(step, draft);
  draft->hole = false;
}

void Planner::Keep(const SegmentWalk::Step& step, Draft* draft) {
  std::vector<RepairPiece>& pieces = draft->repair.pieces;
  const int64_t count = int64_t{step.header.last_offset_delta()} + 1;
  ++draft->batches;
  if (step.fault == Fault::kWrongOffset) {
    pieces.push_back({.kind = RepairPiece::Kind::kRename,
                      .position = step.position,
                      .size_bytes = step.size_bytes,
                      .first = kept_end_});
    kept_end_ = Offset(kept_end_.value() + count);
    return;
  }
  if (draft->hole && step.header.base_offset() > kept_end_) {  // A gap without a hole is compaction's.
    Lose(step.header.base_offset(), draft);
  }
  const bool continues = !pieces.empty() && pieces.back().kind == RepairPiece::Kind::kCopy &&
                         pieces.back().position + pieces.back().size_bytes == step.position;
  if (continues) {
    pieces.back().size_bytes += step.size_bytes;
  } else {
    pieces.push_back({.position = step.position, .size_bytes = step.size_bytes});
  }
  kept_end_ = step.header.next_offset();
}

// Offsets [kept_end_, to) hold nothing any more.
void Planner::Lose(Offset to, Draft* draft) {
  draft->changed = true;
  draft->repair.lost.push_back({kept_end_, Offset(to.value() - 1)});
  while (kept_end_ < to) {
    const int64_t count =
        std::min<int64_t>(to.value() - kept_end_.value(), std::numeric_limits<int32_t>::max());
    const Offset last(kept_end_.value() + count - 1);
    draft->repair.pieces.push_back({.kind = RepairPiece::Kind::kEmpty,
                                    .first = kept_end_,
                                    .last = last,
                                    .epoch = std::max(epoch_, LeaderEpoch(0))});
    kept_end_ = Offset(last.value() + 1);
  }
}

void Planner::Explain(const SegmentWalk::Step& step, Draft* draft) const {
  if (draft->repair.reasons.size() < kReasonsMax) {
    draft->repair.reasons.push_back(
        absl::StrCat("byte ", step.position, ", offset ", step.expected.value(), ": ", step.reason));
  }
}

// What is left open at the end: offsets up to the next segment, or up to what is known to have been durable.
void Planner::EndSegment(size_t index, Draft* draft) {
  const std::optional<Offset> next = row_.EndOf(index);
  const bool is_last = index + 1 >= row_.items.size() || !row_.IsPartOfLog(index + 1, kept_end_);
  Offset wanted = next.value_or(kept_end_);
  if (is_last && checkpoint_) {
    wanted = std::max(wanted, checkpoint_->next_offset);
  }
  const bool torn = draft->trailing_bytes > 0 && is_last && wanted == kept_end_;
  if (torn && !in_.clean && !draft->changed) {
    draft->trailing_bytes = 0;  // The next start cuts it, as after any crash.
    return;
  }
  if (draft->trailing_bytes == 0 && wanted == kept_end_) {
    return;
  }
  draft->changed = true;
  draft->repair.dropped_bytes += std::exchange(draft->trailing_bytes, 0);
  if (in_.way == RepairWay::kTruncate) {
    cut_ = true;
  } else if (wanted > kept_end_) {
    Lose(wanted, draft);
  } else if (torn) {
    draft->repair.lost.push_back({kept_end_, std::nullopt});
  }
}

void Planner::Finish(size_t index, Draft draft) {
  const SegmentRow::Item& item = row_.items[index];
  plan_.batches_kept += draft.batches;
  if (cut_ && !draft.changed) {
    CutLater(item);
    return;
  }
  if (!draft.changed) {
    return;
  }
  draft.repair.end = kept_end_;
  if (cut_) {
    uint64_t kept = 0;
    for (const RepairPiece& piece : draft.repair.pieces) {
      kept += piece.size_bytes;
    }
    draft.repair.dropped_bytes = item.size_bytes - kept;
  }
  plan_.lost.insert(plan_.lost.end(), draft.repair.lost.begin(), draft.repair.lost.end());
  plan_.segments.push_back(std::move(draft.repair));
}

void Planner::CutLater(const SegmentRow::Item& item) {
  SegmentRepair repair;
  repair.segment = item;
  repair.end = item.base;
  repair.moved_away = true;
  repair.dropped_bytes = item.size_bytes;
  plan_.segments.push_back(std::move(repair));
}

}  // namespace

absl::StatusOr<RepairPlan> PlanRepair(const RepairInput& input, const std::optional<Checkpoint>& checkpoint,
                                      ProgressFunction progress) {
  return Planner(input, checkpoint, progress).Run();
}

}  // namespace sluice::storage
