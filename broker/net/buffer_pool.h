// Receive buffers of one network thread. A connection holds one only while there are bytes in it, so that
// thousands of quiet connections cost next to nothing.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace sluice::broker {

// Large enough that one recv takes in many requests: 64 KiB costs 15 % of the throughput.
inline constexpr size_t kReceiveBufferBytes = 256 * 1024;

struct PooledBuffer {
  std::unique_ptr<std::byte[]> data;  // Not zeroed: a recv writes before anyone reads.
  size_t capacity = 0;
};

// One thread only.
class BufferPool {
 public:
  // At least `bytes` large; sizes are powers of two from kReceiveBufferBytes up.
  PooledBuffer Take(size_t bytes);
  // Keeps it for the next Take, within bounds.
  void Give(PooledBuffer buffer);

  size_t kept_bytes() const { return kept_bytes_; }

 private:
  std::vector<PooledBuffer> buffers_;
  size_t kept_bytes_ = 0;
};

}  // namespace sluice::broker
