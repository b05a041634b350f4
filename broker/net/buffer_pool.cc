#include "broker/net/buffer_pool.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace sluice::broker {
namespace {

constexpr size_t kKeptBytesMax = 8 * 1024 * 1024;

}  // namespace

PooledBuffer BufferPool::Take(size_t bytes) {
  const size_t wanted = std::bit_ceil(std::max(bytes, kReceiveBufferBytes));
  // From the back: what was used last is still in the processor's cache.
  for (size_t i = buffers_.size(); i-- > 0;) {
    if (buffers_[i].capacity == wanted) {
      std::swap(buffers_[i], buffers_.back());
      PooledBuffer buffer = std::move(buffers_.back());
      buffers_.pop_back();
      kept_bytes_ -= buffer.capacity;
      return buffer;
    }
  }
  return {std::unique_ptr<std::byte[]>(new std::byte[wanted]), wanted};
}

void BufferPool::Give(PooledBuffer buffer) {
  if (buffer.capacity < kReceiveBufferBytes || kept_bytes_ + buffer.capacity > kKeptBytesMax) {
    return;
  }
  kept_bytes_ += buffer.capacity;
  buffers_.push_back(std::move(buffer));
}

}  // namespace sluice::broker
