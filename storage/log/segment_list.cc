#include "storage/log/segment_list.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "proto/base/check.h"

namespace sluice::storage {

SegmentList::Row::const_iterator SegmentList::UpperBound(Offset offset) const {
  return std::upper_bound(row_.begin(), row_.end(), offset,
                          [](Offset wanted, const SegmentInfo& info) { return wanted < info.base(); });
}

void SegmentList::Append(SegmentInfo info) {
  absl::MutexLock lock(&mu_);
  if (!row_.empty()) {
    CHECK(row_.back().sealed);
    CHECK_LT(row_.back().base(), info.base());
    CHECK_LE(row_.back().next_offset, info.base());
  }
  sealed_bytes_ += info.size_bytes;
  row_.push_back(std::move(info));
}

void SegmentList::SealLast(Offset next_offset, uint64_t size_bytes) {
  absl::MutexLock lock(&mu_);
  CHECK(!row_.empty() && !row_.back().sealed);
  row_.back().sealed = true;
  row_.back().next_offset = next_offset;
  row_.back().size_bytes = size_bytes;
  sealed_bytes_ += size_bytes;
}

std::vector<SegmentInfo> SegmentList::RemoveBefore(Offset start) {
  absl::MutexLock lock(&mu_);
  const auto first_kept = std::find_if(row_.begin(), row_.end(), [start](const SegmentInfo& info) {
    return !info.sealed || info.next_offset > start;
  });
  std::vector<SegmentInfo> removed(std::make_move_iterator(row_.begin()),
                                   std::make_move_iterator(first_kept));
  row_.erase(row_.begin(), first_kept);
  for (const SegmentInfo& info : removed) {
    sealed_bytes_ -= info.size_bytes;
  }
  return removed;
}

SegmentList::Row::const_iterator SegmentList::FindRun(const std::vector<SegmentInfo>& infos) const {
  return std::search(row_.begin(), row_.end(), infos.begin(), infos.end(),
                     [](const SegmentInfo& a, const SegmentInfo& b) { return a.segment == b.segment; });
}

bool SegmentList::Holds(const std::vector<SegmentInfo>& infos) const {
  absl::MutexLock lock(&mu_);
  return FindRun(infos) != row_.end();
}

bool SegmentList::Replace(const std::vector<SegmentInfo>& olds, SegmentInfo with) {
  absl::MutexLock lock(&mu_);
  const auto first = FindRun(olds);
  if (first == row_.end()) {
    return false;
  }
  CHECK(with.sealed && with.base() == olds.front().base() && with.next_offset == olds.back().next_offset);
  for (const SegmentInfo& old : olds) {
    sealed_bytes_ -= old.size_bytes;
  }
  sealed_bytes_ += with.size_bytes;
  const auto at = row_.begin() + (first - row_.cbegin());
  *at = std::move(with);
  row_.erase(at + 1, at + static_cast<std::ptrdiff_t>(olds.size()));
  return true;
}

std::optional<SegmentInfo> SegmentList::Containing(Offset offset) const {
  absl::MutexLock lock(&mu_);
  const auto after = UpperBound(offset);
  return after == row_.begin() ? std::nullopt : std::optional(*std::prev(after));
}

std::optional<SegmentInfo> SegmentList::Named(Offset base) const {
  std::optional<SegmentInfo> info = Containing(base);
  return info && info->base() == base ? info : std::nullopt;
}

std::optional<SegmentInfo> SegmentList::AtOrAfter(Offset offset) const {
  absl::MutexLock lock(&mu_);
  const auto found =
      std::lower_bound(row_.begin(), row_.end(), offset,
                       [](const SegmentInfo& info, Offset wanted) { return info.base() < wanted; });
  return found == row_.end() ? std::nullopt : std::optional(*found);
}

std::vector<SegmentInfo> SegmentList::All() const {
  absl::MutexLock lock(&mu_);
  return row_;
}

std::vector<SegmentInfo> SegmentList::Between(Offset first, Offset last) const {
  absl::MutexLock lock(&mu_);
  std::vector<SegmentInfo> found;
  std::copy_if(row_.begin(), row_.end(), std::back_inserter(found),
               [&](const SegmentInfo& info) { return info.base() >= first && info.base() <= last; });
  return found;
}

size_t SegmentList::size() const {
  absl::MutexLock lock(&mu_);
  return row_.size();
}

uint64_t SegmentList::sealed_bytes() const {
  absl::MutexLock lock(&mu_);
  return sealed_bytes_;
}

}  // namespace sluice::storage
