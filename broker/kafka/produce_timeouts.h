// The timeouts of one connection's Produce requests with acks=all: one timer for all of them, since nearly
// every request is answered long before its time.
//
// Network thread only; destroying it forgets the timeouts, not the requests.
#pragma once

#include <asio/any_io_executor.hpp>
#include <chrono>
#include <memory>

namespace sluice::broker {

class PendingProduce;

class ProduceTimeouts {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  ProduceTimeouts();
  ~ProduceTimeouts();

  // Expires `pending` at `deadline` unless it is finished by then.
  void Add(const asio::any_io_executor& executor, TimePoint deadline,
           const std::shared_ptr<PendingProduce>& pending);
  // Requests that are remembered, some of which may be finished.
  size_t size() const;

 private:
  class Timer;
  std::shared_ptr<Timer> timer_;  // Shared with the wait in flight, which outlives a closed connection.
};

}  // namespace sluice::broker
