// The memory that requests may take while they arrive, of all connections together
// (queued.max.request.bytes).
//
// One connection at a time may go over it. Without that, requests that fill the budget between them, none of
// them whole, would wait for each other until their deadlines.
#pragma once

#include <atomic>
#include <cstdint>

namespace sluice::broker {

// Thread-safe.
class ReceiveBudget {
 public:
  explicit ReceiveBudget(uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  // `overdraft` says whether the caller is the one that may go over; it stays so until it calls EndOverdraft.
  bool Reserve(uint64_t bytes, bool* overdraft) {
    const uint64_t before = used_.fetch_add(bytes, std::memory_order_relaxed);
    if (before + bytes <= limit_bytes_ || *overdraft) {
      return true;
    }
    bool taken = false;
    if (overdraft_.compare_exchange_strong(taken, true, std::memory_order_relaxed)) {
      *overdraft = true;
      return true;
    }
    used_.fetch_sub(bytes, std::memory_order_relaxed);
    return false;
  }
  void Release(uint64_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }
  void EndOverdraft() { overdraft_.store(false, std::memory_order_relaxed); }

  uint64_t used_bytes() const { return used_.load(std::memory_order_relaxed); }

 private:
  const uint64_t limit_bytes_;
  std::atomic<uint64_t> used_ = 0;
  std::atomic<bool> overdraft_ = false;
};

}  // namespace sluice::broker
