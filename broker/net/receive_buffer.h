// What a connection has received and not yet handled, and where its frames are.
//
//   if (in.Prepare()) {                                // False: the receive budget is used up; wait.
//     in.Commit(recv(fd, in.room().data(), in.room().size()));
//     for (auto frame = in.Next(); frame.kind == FrameKind::kWhole; frame = in.Next()) { ... }
//     in.Park();
//   }
//
// Frames are handed out in place. The buffer comes from the thread's pool and goes back whenever all of it is
// used up; while a connection waits with up to kParkedBytesMax of a frame, those are kept in a buffer of that
// size. A frame's announced length is never allocated for: the buffer doubles as bytes arrive.
#pragma once

#include <cstdint>

#include "broker/net/buffer_pool.h"
#include "broker/net/receive_budget.h"
#include "proto/base/bytes.h"

namespace sluice::broker {

inline constexpr size_t kParkedBytesMax = 4096;

enum class FrameKind : uint8_t { kWhole, kPartial, kBadLength };

struct Frame {
  FrameKind kind = FrameKind::kPartial;
  ByteView body = {};  // Without the length; valid until the next call that is not const.
  int32_t length = 0;  // As announced.
};

// One network thread only. `pool` and `budget` must outlive it, unless Clear() was called.
class ReceiveBuffer {
 public:
  ReceiveBuffer(BufferPool& pool, ReceiveBudget& budget, uint32_t frame_bytes_max);
  ~ReceiveBuffer() { Clear(); }
  ReceiveBuffer(const ReceiveBuffer&) = delete;
  ReceiveBuffer& operator=(const ReceiveBuffer&) = delete;

  // Makes room for at least one byte.
  bool Prepare();
  MutableByteView room() { return {buffer_.data.get() + end_, buffer_.capacity - end_}; }
  void Commit(size_t bytes) { end_ += bytes; }

  Frame Next();

  // Before a wait for more bytes.
  void Park();
  // A frame's handler may take long: if the frame is small and the last one here, copies it to where it costs
  // little and gives the buffer back. Returns where the frame is now.
  ByteView Settle(ByteView frame);
  // The wait has become long: gives back what of a large buffer is not filled.
  void Shrink();
  void Clear();

  size_t unread_bytes() const { return end_ - begin_ + parked_; }
  size_t held_bytes() const { return buffer_.capacity; }

 private:
  // The frame at begin_ with its length; 4 while that is not known.
  size_t WantedBytes() const;
  bool Grow(size_t bytes);
  bool Replace(size_t bytes);
  void GiveBack();

  BufferPool& pool_;
  ReceiveBudget& budget_;
  const uint32_t frame_bytes_max_;
  PooledBuffer buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool overdraft_ = false;
  size_t last_frame_bytes_ =
      0;         // Whoever sent a frame of this size may send another: start with room for it.
  Bytes small_;  // Parked bytes, or a settled frame. Never both.
  size_t parked_ = 0;
};

}  // namespace sluice::broker
