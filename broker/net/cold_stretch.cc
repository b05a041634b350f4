#include "broker/net/cold_stretch.h"

#include "broker/net/residency.h"

namespace sluice::broker {
namespace {

// Farther than the kernel reads ahead (8 MiB here, 128 KiB by default), looked at before it gets there.
constexpr uint64_t kLookAhead = 64 * 1024 * 1024;

bool NothingCached(const storage::FileRange& range) {
  return CachedPages(range) == uint64_t{0};
}

}  // namespace

void ColdStretch::OnCold(const storage::FileRange& range) {
  if (Covers(range)) {
    return;
  }
  const bool all_cold = NothingCached({range.file, range.position, range.size + kLookAhead});
  if (!all_cold && !NothingCached(range)) {
    Forget();
    return;
  }
  file_ = range.file;
  begin_ = range.position;
  end_ = range.position + range.size + (all_cold ? kLookAhead : 0);
}

bool ColdStretch::Covers(const storage::FileRange& range) {
  const uint64_t end = range.position + range.size;
  if (range.position < begin_ || end > end_ || file_.lock() != range.file) {
    return false;
  }
  if (end_ - end < kLookAhead / 2 && NothingCached({range.file, end_, kLookAhead / 2})) {
    end_ += kLookAhead / 2;
  }
  return true;
}

}  // namespace sluice::broker
