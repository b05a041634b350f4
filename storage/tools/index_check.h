// Internal to verify: the index's entries of one log against the batches as they are walked over. Both
// ascend, so entries are read a few thousand at a time.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "storage/index/index_reader.h"
#include "storage/log/log_position.h"
#include "storage/tools/segment_row.h"

namespace sluice::storage {

struct PartitionReport;

class IndexCheck {
 public:
  // What cannot be read is a problem in `report`, and nothing is compared then.
  void Load(IndexReader& index, const LogId& id, const SegmentRow& row, PartitionReport* report);

  // A batch begins at `at`; in order.
  void TakeBatch(const OffsetEntry& at, PartitionReport* report);
  // Nothing that can be compared stands there: entries that point into it are not to blame.
  void PassOver(Offset segment_base, uint64_t position, uint64_t size_bytes);
  // The segment's last batch ends at `end`. `sealed`: another one follows.
  void EndSegment(const SegmentRow::Item& item, const LogPosition& end, bool sealed, PartitionReport* report);
  // The log's last batch ends before `end`.
  void CheckCheckpoint(const SegmentRow& row, Offset end, PartitionReport* report);

  const std::optional<Checkpoint>& checkpoint() const { return checkpoint_; }

 private:
  void Refill(PartitionReport* report);
  void Contradict(const OffsetEntry& entry, PartitionReport* report);

  IndexReader* index_ = nullptr;
  LogId id_;
  Offset first_;
  std::optional<Checkpoint> checkpoint_;
  bool checkpoint_met_ = false;
  struct {
    Offset segment_base;
    uint64_t begin = 0;
    uint64_t end = 0;
  } passed_over_;
  std::map<Offset, SegmentEntry> sealed_;
  std::vector<OffsetEntry> entries_;  // A page of them.
  size_t next_ = 0;
  Offset after_;  // The next page begins here.
  bool done_ = true;
};

}  // namespace sluice::storage
