// A coroutine's sleep until a deadline, which any thread can end early.
//
//   Alarm alarm(executor, deadline);                 // In the coroutine.
//   wait.Arm(partitions, alarm.bell());              // Rings when one of them moves.
//   bool in_time = co_await alarm.Sleep();
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <memory>

#include "absl/functional/any_invocable.h"

namespace sluice::broker {

// The executor's thread only.
class Alarm {
 public:
  Alarm(const asio::any_io_executor& executor, std::chrono::steady_clock::time_point deadline);
  ~Alarm();
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  // Callable from any thread and at any time, also when the alarm is gone. Ringing before Sleep counts.
  absl::AnyInvocable<void()> bell() const;

  // False: the deadline has passed.
  asio::awaitable<bool> Sleep();

 private:
  class Bell;

  asio::steady_timer timer_;
  const std::shared_ptr<Bell> bell_;  // Shared with those who may ring.
};

}  // namespace sluice::broker
