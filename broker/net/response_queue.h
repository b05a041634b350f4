// The answers of one connection in the order of its requests, in whatever order they are given.
//
//   requests   [7][8][9][10]
//   answers    [ready][ready][pending][ready]     in_flight() == 4; 7 and 8 may go out, 10 waits for 9
//              ^ Ready(0)
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/net/response.h"

namespace sluice::broker {

struct Answer {
  enum class Kind : uint8_t { kPending, kResponse, kNothing, kClose };
  Kind kind = Kind::kPending;
  Response response = {};
  std::string reason = {};  // Of kClose.
};

// One network thread only.
class ResponseQueue {
 public:
  // Makes a place for the next request's answer; returns its sequence number.
  uint64_t Open();
  // Only the first answer of a sequence counts. True if it is the one that those behind it waited for.
  bool Put(uint64_t sequence, Answer answer);

  size_t in_flight() const { return static_cast<size_t>(next_ - first_); }
  // The memory that the answers given so far hold: their bytes, not those of their files.
  uint64_t held_bytes() const { return held_bytes_; }
  // The answer `index` places behind the first one; null when it is not given yet.
  const Answer* Ready(size_t index) const;
  void PopFront();
  void Clear();

 private:
  Answer& At(uint64_t sequence) { return ring_[sequence & (ring_.size() - 1)]; }
  const Answer& At(uint64_t sequence) const { return ring_[sequence & (ring_.size() - 1)]; }
  void Grow();

  std::vector<Answer> ring_;  // A power of two large; grows with the requests in flight.
  uint64_t first_ = 0;
  uint64_t next_ = 0;
  uint64_t held_bytes_ = 0;
};

}  // namespace sluice::broker
