#include "storage/log/tail_index.h"

#include <algorithm>
#include <iterator>

#include "proto/base/check.h"

namespace sluice::storage {
namespace {

template <class T>
void EraseFront(std::vector<T>& entries, size_t count) {
  entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(count));
}

}  // namespace

bool TailIndex::Add(const OffsetEntry& entry) {
  absl::MutexLock lock(&mu_);
  DCHECK(offsets_.empty() || offsets_.back().offset <= entry.offset);
  offsets_.push_back(entry);
  const size_t pending = offsets_.size() - written_;
  if (pending > kPendingMax) {
    EraseFront(offsets_, offsets_.size() - kPendingMax / 2);
    written_ = 0;
  }
  return pending >= kPendingWanted;
}

void TailIndex::AddTime(const TimeEntry& entry) {
  absl::MutexLock lock(&mu_);
  times_.push_back(entry);
  if (times_.size() > kPendingMax) {
    EraseFront(times_, kPendingMax / 2);
  }
}

void TailIndex::ForgetBefore(const OffsetEntry& begin) {
  absl::MutexLock lock(&mu_);
  const auto kept =
      std::partition_point(offsets_.begin(), offsets_.end(),
                           [&begin](const OffsetEntry& entry) { return entry.offset < begin.offset; });
  const size_t forgotten = static_cast<size_t>(kept - offsets_.begin());
  if (forgotten == 0) {
    return;
  }
  const bool has_begin = kept != offsets_.end() && kept->offset == begin.offset;
  EraseFront(offsets_, forgotten - (has_begin ? 0 : 1));
  written_ -= std::min(written_, forgotten);
  if (!has_begin) {
    offsets_.front() = begin;
    ++written_;
  }
}

std::optional<OffsetEntry> TailIndex::Find(Offset offset) const {
  absl::MutexLock lock(&mu_);
  const auto after =
      std::upper_bound(offsets_.begin(), offsets_.end(), offset,
                       [](Offset wanted, const OffsetEntry& entry) { return wanted < entry.offset; });
  return after == offsets_.begin() ? std::nullopt : std::optional(*std::prev(after));
}

std::optional<OffsetEntry> TailIndex::FindBoundary(Offset segment_base, uint64_t position,
                                                   Offset limit) const {
  absl::MutexLock lock(&mu_);
  const auto is_beyond = [&](const OffsetEntry& entry) {
    return entry.segment_base > segment_base ||
           (entry.segment_base == segment_base && (entry.position > position || entry.offset > limit));
  };
  const auto after = std::partition_point(offsets_.begin(), offsets_.end(),
                                          [&](const OffsetEntry& entry) { return !is_beyond(entry); });
  if (after == offsets_.begin() || std::prev(after)->segment_base != segment_base) {
    return std::nullopt;
  }
  return *std::prev(after);
}

IndexUpdate TailIndex::Pending() const {
  absl::MutexLock lock(&mu_);
  IndexUpdate update;
  update.offsets.assign(offsets_.begin() + static_cast<std::ptrdiff_t>(written_), offsets_.end());
  update.times = times_;
  return update;
}

void TailIndex::MarkWritten(const IndexUpdate& update) {
  absl::MutexLock lock(&mu_);
  if (!update.offsets.empty()) {
    // By offset, not by count: some may have been forgotten or written by another thread meanwhile.
    const Offset last = update.offsets.back().offset;
    const auto end = std::partition_point(offsets_.begin(), offsets_.end(),
                                          [last](const OffsetEntry& entry) { return entry.offset <= last; });
    written_ = std::max(written_, static_cast<size_t>(end - offsets_.begin()));
  }
  if (written_ > 2 * kKept) {  // Rarely, and by many at once.
    const size_t surplus = written_ - kKept;
    EraseFront(offsets_, surplus);
    written_ -= surplus;
  }
  if (!update.times.empty()) {
    const TimeEntry last = update.times.back();
    const auto end = std::partition_point(
        times_.begin(), times_.end(), [last](const TimeEntry& entry) { return entry.offset <= last.offset; });
    times_.erase(times_.begin(), end);
  }
}

}  // namespace sluice::storage
