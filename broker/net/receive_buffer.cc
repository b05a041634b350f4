#include "broker/net/receive_buffer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "proto/base/check.h"
#include "proto/base/endian.h"

namespace sluice::broker {
namespace {

constexpr size_t kLengthBytes = sizeof(int32_t);
constexpr size_t kRoomMin = 16 * 1024;  // A recv into less is not worth its system call.
constexpr size_t kFirstBytesMax = 2 * 1024 * 1024;

}  // namespace

ReceiveBuffer::ReceiveBuffer(BufferPool& pool, ReceiveBudget& budget, uint32_t frame_bytes_max)
    : pool_(pool), budget_(budget), frame_bytes_max_(frame_bytes_max) {}

size_t ReceiveBuffer::WantedBytes() const {
  if (end_ - begin_ < kLengthBytes) {
    return kLengthBytes;
  }
  return kLengthBytes + static_cast<size_t>(LoadBigEndian<int32_t>(buffer_.data.get() + begin_));
}

bool ReceiveBuffer::Prepare() {
  if (buffer_.data == nullptr) {
    const size_t first = std::max(kReceiveBufferBytes, std::min(last_frame_bytes_, kFirstBytesMax));
    if (!Replace(first)) {
      return false;
    }
    std::copy_n(small_.begin(), parked_, buffer_.data.get());
    end_ = std::exchange(parked_, 0);
    return true;
  }
  const size_t unread = end_ - begin_;
  if (begin_ > 0 && (buffer_.capacity - end_ < kRoomMin || begin_ + WantedBytes() > buffer_.capacity)) {
    std::memmove(buffer_.data.get(), buffer_.data.get() + begin_, unread);
    begin_ = 0;
    end_ = unread;
  }
  return end_ < buffer_.capacity || Grow(2 * buffer_.capacity);
}

bool ReceiveBuffer::Grow(size_t bytes) {
  const size_t unread = end_ - begin_;
  PooledBuffer old = std::move(buffer_);
  if (!Replace(std::max(bytes, kRoomMin))) {
    buffer_ = std::move(old);
    return false;
  }
  std::memcpy(buffer_.data.get(), old.data.get() + begin_, unread);
  begin_ = 0;
  end_ = unread;
  budget_.Release(old.capacity);
  pool_.Give(std::move(old));
  return true;
}

// A buffer of at least `bytes`, whatever was held before being the caller's affair.
bool ReceiveBuffer::Replace(size_t bytes) {
  PooledBuffer fresh;
  if (bytes >= kReceiveBufferBytes) {
    fresh = pool_.Take(bytes);
  } else {
    fresh = {std::unique_ptr<std::byte[]>(new std::byte[bytes]), bytes};
  }
  if (!budget_.Reserve(fresh.capacity, &overdraft_)) {
    pool_.Give(std::move(fresh));
    return false;
  }
  buffer_ = std::move(fresh);
  return true;
}

Frame ReceiveBuffer::Next() {
  const size_t unread = end_ - begin_;
  if (unread < kLengthBytes) {
    return {};
  }
  const std::byte* start = buffer_.data.get() + begin_;
  const auto length = LoadBigEndian<int32_t>(start);
  if (length <= 0 || static_cast<uint32_t>(length) > frame_bytes_max_) {
    return {.kind = FrameKind::kBadLength, .length = length};
  }
  const auto body = static_cast<size_t>(length);
  if (unread - kLengthBytes < body) {
    return {.length = length};
  }
  begin_ += kLengthBytes + body;
  last_frame_bytes_ = kLengthBytes + body;
  return {.kind = FrameKind::kWhole, .body = {start + kLengthBytes, body}, .length = length};
}

void ReceiveBuffer::Park() {
  const size_t unread = end_ - begin_;
  // A buffer that grew after a shrink is small already; moving its bytes back and forth would gain nothing.
  if (buffer_.data == nullptr || unread > kParkedBytesMax) {
    return;
  }
  small_.assign(buffer_.data.get() + begin_, buffer_.data.get() + end_);
  GiveBack();
  parked_ = unread;
}

ByteView ReceiveBuffer::Settle(ByteView frame) {
  if (begin_ != end_ || frame.size() > kParkedBytesMax) {
    return frame;
  }
  small_.assign(frame.begin(), frame.end());
  GiveBack();
  return small_;
}

void ReceiveBuffer::Shrink() {
  const size_t unread = end_ - begin_;
  if (buffer_.data == nullptr || buffer_.capacity <= 2 * unread) {
    return;
  }
  PooledBuffer small{std::unique_ptr<std::byte[]>(new std::byte[unread]), unread};
  std::memcpy(small.data.get(), buffer_.data.get() + begin_, unread);
  budget_.Release(buffer_.capacity - unread);
  pool_.Give(std::exchange(buffer_, std::move(small)));
  begin_ = 0;
  end_ = unread;
}

void ReceiveBuffer::GiveBack() {
  if (buffer_.data != nullptr) {
    budget_.Release(buffer_.capacity);
    pool_.Give(std::exchange(buffer_, {}));
  }
  if (std::exchange(overdraft_, false)) {
    budget_.EndOverdraft();
  }
  begin_ = end_ = 0;
}

void ReceiveBuffer::Clear() {
  GiveBack();
  parked_ = 0;
  small_ = {};
}

}  // namespace sluice::broker
