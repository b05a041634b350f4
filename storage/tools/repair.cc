#include "storage/tools/repair.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "storage/index/index_reader.h"
#include "storage/log/log_state.h"
#include "storage/log/segment_name.h"
#include "storage/tools/repair_plan.h"
#include "storage/tools/segment_copy.h"

namespace sluice::storage {
namespace {

constexpr absl::string_view kMarkText =
    "A repair is under way, or did not get to its end: run `sluice log repair --yes` again.\n";

std::string Show(const LostOffsets& lost) {
  return lost.last ? absl::StrCat(lost.first.value(), " to ", lost.last->value())
                   : absl::StrCat(lost.first.value(), " on");
}

class Repair {
 public:
  Repair(const RepairInput& input, ProgressFunction progress)
      : in_(input), partition_(input.partition), progress_(progress) {}

  absl::StatusOr<RepairReport> Run();

 private:
  absl::Status ReadIndex();
  absl::Status FinishInterrupted();
  void Describe(const SegmentRepair& repair);
  absl::Status Apply();
  absl::Status SetMark();
  absl::Status DropIndex();
  absl::Status Swap(const SegmentRepair& repair);
  std::string AsideName(const std::string& path) const;
  std::string MarkPath() const { return partition_.PathOf(kDamagedMarkName); }

  const RepairInput& in_;
  PartitionFiles partition_;  // As it is once what was interrupted is finished.
  ProgressFunction progress_;
  std::optional<Checkpoint> checkpoint_;
  Offset log_start_;
  RepairPlan plan_;
  RepairReport report_;
};

absl::StatusOr<RepairReport> Repair::Run() {
  report_.name = partition_.name;
  RETURN_IF_ERROR(ReadIndex());
  RETURN_IF_ERROR(FinishInterrupted());
  if (!partition_.interrupted.empty() && !in_.apply) {
    report_.needed = true;
    return std::move(report_);  // What else there is to do is only known once all segments are there.
  }
  RepairInput input{.disk = in_.disk,
                    .partition = partition_,
                    .index_path = in_.index_path,
                    .clean = in_.clean,
                    .way = in_.way};
  ASSIGN_OR_RETURN(plan_, PlanRepair(input, checkpoint_, progress_));
  report_.lost = plan_.lost;
  report_.batches_kept = plan_.batches_kept;
  report_.needed =
      report_.needed || !plan_.segments.empty() || plan_.index_is_wrong || partition_.marked_damaged;
  for (const SegmentRepair& repair : plan_.segments) {
    report_.dropped_bytes += repair.dropped_bytes;
    Describe(repair);
  }
  if (report_.needed) {
    report_.actions.push_back("drop the partition's index entries; the next start makes them again");
    if (partition_.marked_damaged) {
      report_.actions.push_back(absl::StrCat("remove ", MarkPath()));
    }
  }
  if (report_.needed && in_.apply) {
    RETURN_IF_ERROR(Apply());
    report_.applied = true;
  }
  return std::move(report_);
}

absl::Status Repair::ReadIndex() {
  if (in_.index_path.empty() || !partition_.id || partition_.bases.empty()) {
    return absl::OkStatus();
  }
  const absl::StatusOr<std::unique_ptr<IndexReader>> index = IndexReader::Open(in_.index_path);
  if (!index.ok()) {
    return absl::OkStatus();  // The next start makes it again, for all logs.
  }
  absl::StatusOr<std::optional<Checkpoint>> checkpoint = (*index)->ReadCheckpoint(*partition_.id);
  if (!checkpoint.ok() || !*checkpoint) {
    return absl::OkStatus();
  }
  const absl::StatusOr<LogState> state = DecodeLogState((*checkpoint)->state);
  if (absl::IsFailedPrecondition(state.status())) {
    return WithContext(state.status(), in_.index_path);
  }
  if (state.ok()) {
    log_start_ = state->log_start;
    checkpoint_ = **checkpoint;
  }
  return absl::OkStatus();
}

// Copies are renamed only once all of them were whole on the disk and the index was dropped.
absl::Status Repair::FinishInterrupted() {
  for (const std::string& name : partition_.interrupted) {
    const std::string path = partition_.PathOf(name);
    report_.actions.push_back(
        absl::StrCat("put ", path, kRepairedSuffix, " in place, as a repair that was interrupted meant to"));
    if (in_.apply) {
      RETURN_IF_ERROR(in_.disk.Rename(absl::StrCat(path, kRepairedSuffix), path));
      partition_.bases.push_back(*ParseSegmentFileName(name));
    }
  }
  std::sort(partition_.bases.begin(), partition_.bases.end());
  return absl::OkStatus();
}

void Repair::Describe(const SegmentRepair& repair) {
  const std::string& path = repair.segment.path;
  for (const std::string& reason : repair.reasons) {
    report_.actions.push_back(absl::StrCat(path, ": ", reason));
  }
  const std::string original =
      in_.discard ? "delete the original" : absl::StrCat("keep the original as ", AsideName(path));
  if (repair.moved_away) {
    report_.actions.push_back(absl::StrCat("remove ", path, "; ", original));
    return;
  }
  std::string what = absl::StrCat("rewrite ", path, " without ", repair.dropped_bytes,
                                  " bytes, up to offset ", repair.end.value(), "; ", original);
  for (const LostOffsets& lost : repair.lost) {
    absl::StrAppend(&what, "; offsets ", Show(lost), " are lost");
  }
  report_.actions.push_back(std::move(what));
}

// In an order that a crash can stop at any point: the mark first and last; copies before the index goes; the
// index before any segment changes, so that no entry ever names a place in a file that was rewritten.
absl::Status Repair::Apply() {
  RETURN_IF_ERROR(SetMark());
  for (const SegmentRepair& repair : plan_.segments) {
    const std::string copy = absl::StrCat(repair.segment.path, kRepairedSuffix);
    if (in_.disk.Exists(copy)) {
      RETURN_IF_ERROR(in_.disk.Unlink(copy));
    }
    if (!repair.moved_away) {
      RETURN_IF_ERROR(WriteRepairedCopy(in_.disk, repair, copy, partition_.gaps_below, progress_));
    }
  }
  RETURN_IF_ERROR(in_.disk.SyncDirectory(partition_.directory));
  RETURN_IF_ERROR(DropIndex());
  // Backwards: what was cut off goes before that which it followed.
  for (auto repair = plan_.segments.rbegin(); repair != plan_.segments.rend(); ++repair) {
    RETURN_IF_ERROR(Swap(*repair));
  }
  RETURN_IF_ERROR(in_.disk.SyncDirectory(partition_.directory));
  RETURN_IF_ERROR(in_.disk.Unlink(MarkPath()));
  return in_.disk.SyncDirectory(partition_.directory);
}

absl::Status Repair::SetMark() {
  return partition_.marked_damaged ? absl::OkStatus() : in_.disk.ReplaceFile(MarkPath(), kMarkText);
}

// A checkpoint at the very beginning stays: it carries the log's start, which the segments do not tell, and
// makes the next start check every byte.
absl::Status Repair::DropIndex() {
  if (in_.index_path.empty() || !partition_.id || partition_.bases.empty() ||
      !in_.disk.Exists(in_.index_path)) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<OffsetIndex> index, OffsetIndex::Open({.path = in_.index_path}));
  const Offset first = partition_.bases.front();
  RETURN_IF_ERROR(index->TruncateFrom(*partition_.id, first));
  LogState state;
  state.log_start = std::max(log_start_, first);
  RETURN_IF_ERROR(index->Write(
      *partition_.id, {.checkpoint = Checkpoint{
                           .next_offset = first, .segment_base = first, .state = EncodeLogState(state)}}));
  return index->Flush();
}

absl::Status Repair::Swap(const SegmentRepair& repair) {
  const std::string& path = repair.segment.path;
  if (!in_.discard) {
    RETURN_IF_ERROR(in_.disk.Rename(path, AsideName(path)));
  } else if (repair.moved_away) {
    RETURN_IF_ERROR(in_.disk.Unlink(path));
  }
  return repair.moved_away ? absl::OkStatus() : in_.disk.Rename(absl::StrCat(path, kRepairedSuffix), path);
}

// An original that an earlier repair kept is not written over.
std::string Repair::AsideName(const std::string& path) const {
  std::string name = absl::StrCat(path, kOriginalSuffix);
  for (int i = 1; in_.disk.Exists(name); ++i) {
    name = absl::StrCat(path, kOriginalSuffix, ".", i);
  }
  return name;
}

}  // namespace

absl::StatusOr<RepairReport> RepairPartition(const RepairInput& input, ProgressFunction progress) {
  return Repair(input, progress).Run();
}

}  // namespace sluice::storage
