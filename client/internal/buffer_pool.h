// Memory that answers are received into, used again instead of being given back to the system: a fresh buffer
// costs a page fault for each 4 KiB. A buffer returns to its pool when its last holder lets go, on whatever
// thread that is, and may outlive the pool.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "proto/base/bytes.h"

namespace sluice::client_internal {

class Buffer {
 public:
  explicit Buffer(size_t size) : bytes_(new std::byte[size]), size_(size) {}  // Not zeroed.
  std::byte* data() { return bytes_.get(); }
  const std::byte* data() const { return bytes_.get(); }
  size_t size() const { return size_; }

 private:
  std::unique_ptr<std::byte[]> bytes_;
  size_t size_;
};

// Shared by the holders of its buffers and the client. Thread-safe.
class BufferPool : public std::enable_shared_from_this<BufferPool> {
 public:
  explicit BufferPool(size_t idle_bytes_max) : idle_bytes_max_(idle_bytes_max) {}

  // At least `size` bytes, rounded up to a power of two so that buffers fit more than one use.
  std::shared_ptr<Buffer> Take(size_t size);

  size_t idle_bytes() const {
    absl::MutexLock lock(&mu_);
    return idle_bytes_;
  }

 private:
  void Return(std::unique_ptr<Buffer> buffer);

  const size_t idle_bytes_max_;
  mutable absl::Mutex mu_;
  std::vector<std::unique_ptr<Buffer>> idle_ ABSL_GUARDED_BY(mu_);
  size_t idle_bytes_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace sluice::client_internal
