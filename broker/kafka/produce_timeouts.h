// The timeouts of one connection's Produce requests with acks=all: one timer for all of them, since nearly
// every request is answered long before its time.
//
// Network thread only, but for its destruction: the connection's state may end on any thread, even after the
// network threads are gone.
#pragma once

#include <asio/any_io_executor.hpp>
#include <chrono>
#include <memory>

namespace sluice::broker {

class PendingProduce;

class ProduceTimeouts {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Expires `pending` at `deadline` unless it is finished by then.
  void Add(const asio::any_io_executor& executor, TimePoint deadline,
           const std::shared_ptr<PendingProduce>& pending);
  // Requests that are remembered, some of which may be finished.
  size_t size() const;

 private:
  class Timer;
  std::weak_ptr<Timer> timer_;  // Owned by its own wait, and so gone when nothing is left to wait for.
};

}  // namespace sluice::broker
