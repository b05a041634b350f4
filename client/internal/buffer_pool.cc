#include "client/internal/buffer_pool.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace sluice::client_internal {

std::shared_ptr<Buffer> BufferPool::Take(size_t size) {
  const size_t rounded = std::bit_ceil(std::max(size, size_t{4096}));
  std::unique_ptr<Buffer> buffer;
  {
    absl::MutexLock lock(&mu_);
    const auto found =
        std::find_if(idle_.rbegin(), idle_.rend(), [&](const auto& idle) { return idle->size() == rounded; });
    if (found != idle_.rend()) {
      buffer = std::move(*found);
      std::swap(*found, idle_.back());
      idle_.pop_back();
      idle_bytes_ -= rounded;
    }
  }
  if (buffer == nullptr) {
    buffer = std::make_unique<Buffer>(rounded);
  }
  return std::shared_ptr<Buffer>(buffer.release(), [pool = weak_from_this()](Buffer* returned) {
    std::unique_ptr<Buffer> owned(returned);
    if (const std::shared_ptr<BufferPool> alive = pool.lock()) {
      alive->Return(std::move(owned));
    }
  });
}

void BufferPool::Return(std::unique_ptr<Buffer> buffer) {
  absl::MutexLock lock(&mu_);
  if (idle_bytes_ + buffer->size() <= idle_bytes_max_) {
    idle_bytes_ += buffer->size();
    idle_.push_back(std::move(buffer));
  }
}

}  // namespace sluice::client_internal
