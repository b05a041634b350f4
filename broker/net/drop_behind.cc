#include "broker/net/drop_behind.h"

#include <algorithm>
#include <utility>

#include "broker/net/residency.h"

namespace sluice::broker {
namespace {

// More than a socket's send buffer grows to by default (4 MiB).
constexpr uint64_t kBytesKept = 8 * 1024 * 1024;
constexpr uint64_t kBytesDropped = 4 * 1024 * 1024;  // At least so many in one go.
// A folio that lies across the end of one drop goes with the next; they are up to 2 MiB large.
constexpr uint64_t kOverlap = 2 * 1024 * 1024;

}  // namespace

void DropBehind::Add(const storage::FileRange& range, storage::Executor& pool) {
  bytes_ += range.size;
  storage::FileRange* last = extents_.empty() ? nullptr : &extents_.back().range;
  if (last != nullptr && last->file == range.file && last->position + last->size == range.position) {
    last->size += range.size;
  } else {
    extents_.push_back({range});
  }
  if (bytes_ >= kBytesKept + kBytesDropped) {
    Drop(bytes_ - kBytesKept, pool);
  }
}

void DropBehind::DropAll(storage::Executor& pool) {
  Drop(bytes_, pool);
}

void DropBehind::Drop(uint64_t bytes, storage::Executor& pool) {
  bytes_ -= bytes;
  while (bytes > 0) {
    Extent& front = extents_.front();
    const uint64_t step = std::min(bytes, front.rest());
    const uint64_t begin = front.dropped - std::min(front.dropped, kOverlap);
    storage::FileRange range{front.range.file, front.range.position + begin, front.dropped + step - begin};
    pool.Post([range = std::move(range)] { DropFromCache(range); });
    front.dropped += step;
    bytes -= step;
    if (front.rest() == 0) {
      extents_.pop_front();
    }
  }
}

}  // namespace sluice::broker
