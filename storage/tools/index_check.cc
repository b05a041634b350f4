#include "storage/tools/index_check.h"

#include "absl/strings/str_cat.h"
#include "storage/log/log_state.h"
#include "storage/log/segment_name.h"
#include "storage/tools/verify.h"

namespace sluice::storage {
namespace {

constexpr size_t kPage = 4096;

Problem IndexProblem(std::string file, uint64_t position, Offset offset, std::string reason) {
  return {.kind = Problem::Kind::kIndex,
          .file = std::move(file),
          .position = position,
          .offset = offset,
          .reason = std::move(reason)};
}

}  // namespace

void IndexCheck::Load(IndexReader& index, const LogId& id, const SegmentRow& row, PartitionReport* report) {
  first_ = after_ = row.items.front().base;
  absl::StatusOr<std::optional<Checkpoint>> checkpoint = index.ReadCheckpoint(id);
  absl::StatusOr<std::vector<SegmentEntry>> sealed = index.SealedSegments(id);
  if (!checkpoint.ok() || !sealed.ok()) {
    const absl::Status& why = checkpoint.ok() ? sealed.status() : checkpoint.status();
    report->Add(IndexProblem("", 0, first_, std::string(why.message())));
    return;
  }
  index_ = &index;
  id_ = id;
  done_ = false;
  checkpoint_ = *std::move(checkpoint);
  for (const SegmentEntry& entry : *sealed) {
    sealed_.emplace(entry.base_offset, entry);
  }
}

void IndexCheck::Refill(PartitionReport* report) {
  entries_.clear();
  next_ = 0;
  const absl::Status read = index_->VisitOffsets(id_, after_, [this](const OffsetEntry& entry) {
    entries_.push_back(entry);
    return entries_.size() < kPage;
  });
  if (!read.ok()) {
    report->Add(IndexProblem("", 0, after_, std::string(read.message())));
  }
  done_ = !read.ok() || entries_.size() < kPage;
  if (!entries_.empty()) {
    after_ = Offset(entries_.back().offset.value() + 1);
  }
}

void IndexCheck::TakeBatch(const OffsetEntry& at, PartitionReport* report) {
  if (checkpoint_ && at.segment_base == checkpoint_->segment_base && at.position == checkpoint_->position) {
    checkpoint_met_ = at.offset == checkpoint_->next_offset;
  }
  while (index_ != nullptr) {
    if (next_ == entries_.size()) {
      if (done_) {
        return;
      }
      Refill(report);
      continue;
    }
    const OffsetEntry& entry = entries_[next_];
    if (entry.offset > at.offset) {
      return;
    }
    if (entry.offset != at.offset || entry.segment_base != at.segment_base || entry.position != at.position) {
      Contradict(entry, report);
    }
    ++next_;
  }
}

void IndexCheck::PassOver(Offset segment_base, uint64_t position, uint64_t size_bytes) {
  if (passed_over_.segment_base != segment_base || passed_over_.end != position) {
    passed_over_ = {segment_base, position, position};
  }
  passed_over_.end += size_bytes;
}

void IndexCheck::Contradict(const OffsetEntry& entry, PartitionReport* report) {
  if (entry.segment_base == passed_over_.segment_base && entry.position >= passed_over_.begin &&
      entry.position < passed_over_.end) {
    return;
  }
  report->Add(IndexProblem(SegmentFileName(entry.segment_base), entry.position, entry.offset,
                           absl::StrCat("the index says that the batch of offset ", entry.offset.value(),
                                        " begins here, and it does not")));
}

void IndexCheck::EndSegment(const SegmentRow::Item& item, const LogPosition& end, bool sealed,
                            PartitionReport* report) {
  if (checkpoint_ && checkpoint_->segment_base == item.base && checkpoint_->position == end.position) {
    checkpoint_met_ = end.offset == checkpoint_->next_offset;
  }
  const auto entry = sealed_.find(item.base);
  if (entry == sealed_.end() || !sealed) {
    return;
  }
  if (entry->second.next_offset != end.offset || entry->second.size_bytes != end.position) {
    report->Add(
        IndexProblem(item.path, end.position, end.offset,
                     absl::StrCat("the index says that the segment holds ", entry->second.size_bytes,
                                  " bytes and ends at offset ", entry->second.next_offset.value(),
                                  ", the file holds ", end.position, " and ends at ", end.offset.value())));
  }
}

void IndexCheck::CheckCheckpoint(const SegmentRow& row, Offset end, PartitionReport* report) {
  if (!checkpoint_ || checkpoint_->segment_base < first_) {
    return;  // An old index, put back from a backup: a start walks all segments then.
  }
  if (const auto state = DecodeLogState(checkpoint_->state); !state.ok()) {
    report->Add({.kind = Problem::Kind::kCheckpoint, .reason = std::string(state.status().message())});
  }
  if (checkpoint_met_) {
    return;
  }
  std::string path = SegmentFileName(checkpoint_->segment_base);
  for (const SegmentRow::Item& item : row.items) {
    path = item.base == checkpoint_->segment_base ? item.path : path;
  }
  report->Add({.kind = Problem::Kind::kCheckpoint,
               .file = std::move(path),
               .position = checkpoint_->position,
               .offset = std::min(end, checkpoint_->next_offset),
               .reason = absl::StrCat("the checkpoint says that offset ", checkpoint_->next_offset.value(),
                                      " begins here and all before it was on the disk; the log ends at ",
                                      end.value(), " or has no batch's beginning here")});
}

}  // namespace sluice::storage
