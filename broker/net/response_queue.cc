#include "broker/net/response_queue.h"

#include <algorithm>
#include <utility>

#include "proto/base/check.h"

namespace sluice::broker {
namespace {

uint64_t HeldBy(const Answer& answer) {
  return answer.response.bytes.capacity() + answer.response.files.capacity() * sizeof(Response::FilePart);
}

}  // namespace

uint64_t ResponseQueue::Open() {
  if (in_flight() == ring_.size()) {
    Grow();
  }
  return next_++;
}

void ResponseQueue::Grow() {
  std::vector<Answer> larger(std::max<size_t>(2, ring_.size() * 2));
  for (uint64_t sequence = first_; sequence < next_; ++sequence) {
    larger[sequence & (larger.size() - 1)] = std::move(At(sequence));
  }
  ring_ = std::move(larger);
}

bool ResponseQueue::Put(uint64_t sequence, Answer answer) {
  if (sequence < first_ || sequence >= next_ || At(sequence).kind != Answer::Kind::kPending) {
    return false;
  }
  held_bytes_ += HeldBy(answer);
  At(sequence) = std::move(answer);
  return sequence == first_;
}

const Answer* ResponseQueue::Ready(size_t index) const {
  if (index >= in_flight()) {
    return nullptr;
  }
  const Answer& answer = At(first_ + index);
  return answer.kind == Answer::Kind::kPending ? nullptr : &answer;
}

void ResponseQueue::PopFront() {
  CHECK(in_flight() > 0);
  held_bytes_ -= HeldBy(At(first_));
  At(first_) = Answer();
  ++first_;
}

void ResponseQueue::Clear() {
  ring_ = {};
  first_ = next_;
  held_bytes_ = 0;
}

}  // namespace sluice::broker
