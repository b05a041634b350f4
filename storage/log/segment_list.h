// The row of a log's segments, for readers and retention. Thread-safe; its lock is held for a search at most.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "proto/base/ids.h"
#include "storage/log/segment.h"

namespace sluice::storage {

// A segment as it was when asked for. A sealed one never changes again.
struct SegmentInfo {
  std::shared_ptr<Segment> segment;  // Shared so that retention may drop it meanwhile.
  bool sealed = false;
  Offset next_offset;       // Sealed only: one past its last record...
  uint64_t size_bytes = 0;  // ... and its size.

  Offset base() const { return segment->base(); }
};

class SegmentList {
 public:
  void Append(SegmentInfo info);
  // The last segment takes no more bytes.
  void SealLast(Offset next_offset, uint64_t size_bytes);
  // Takes out all sealed segments that end at or before `start`.
  std::vector<SegmentInfo> RemoveBefore(Offset start);

  // Puts `with` where `olds` stand, which follow each other. False: they do not stand there any more, and
  // nothing was changed.
  bool Replace(const std::vector<SegmentInfo>& olds, SegmentInfo with);
  bool Holds(const std::vector<SegmentInfo>& infos) const;

  // The last segment that starts at or before `offset`.
  std::optional<SegmentInfo> Containing(Offset offset) const;
  // The one named so, if it is (still) there.
  std::optional<SegmentInfo> Named(Offset base) const;
  // The first that starts at or after `offset`.
  std::optional<SegmentInfo> AtOrAfter(Offset offset) const;
  std::vector<SegmentInfo> All() const;
  // Those named from `first` to `last`, both included.
  std::vector<SegmentInfo> Between(Offset first, Offset last) const;
  size_t size() const;
  uint64_t sealed_bytes() const;

 private:
  using Row = std::vector<SegmentInfo>;
  Row::const_iterator UpperBound(Offset offset) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Where `infos` begin, or the end when they are not all there, one behind the other.
  Row::const_iterator FindRun(const std::vector<SegmentInfo>& infos) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  Row row_ ABSL_GUARDED_BY(mu_);  // Ascending.
  uint64_t sealed_bytes_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace sluice::storage
