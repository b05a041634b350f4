// The client's one I/O thread. All sockets, timers and protocol state belong to it and need no locks.
#pragma once

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <memory>
#include <thread>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "proto/base/clock.h"

namespace sluice::client_internal {

class IoLoop {
 public:
  IoLoop();
  ~IoLoop() { Stop(); }
  IoLoop(const IoLoop&) = delete;
  IoLoop& operator=(const IoLoop&) = delete;

  asio::io_context& context() { return *context_; }
  bool OnLoopThread() const { return std::this_thread::get_id() == thread_.get_id(); }

  // Runs `work` on the loop's thread, later.
  template <class Work>
  void Post(Work&& work) {
    asio::post(*context_, std::forward<Work>(work));
  }
  // What the loop still had to do is dropped. Joins the thread, unless called on it. Idempotent.
  void Stop();
  // Runs `work` on the loop's thread and waits for it; at once when already there.
  void RunSync(absl::FunctionRef<void()> work);

 private:
  // Shared with the thread, which may have to outlive this object when that is destroyed on it.
  std::shared_ptr<asio::io_context> context_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::thread thread_;
};

// Steady time: what deadlines are counted in.
inline absl::Duration MonotonicNow() {
  return Clock::System().Monotonic();
}

// Lets a handler ask, on the loop's thread, whether its owner still exists. The owner keeps it as a member
// that it revokes on the loop's thread.
class Lifetime {
 public:
  template <class Work>
  auto Guard(Work work) const {
    return [alive = std::weak_ptr<char>(token_), work = std::move(work)](auto&&... args) mutable {
      if (!alive.expired()) {
        work(std::forward<decltype(args)>(args)...);
      }
    };
  }
  void Revoke() { token_.reset(); }
  bool revoked() const { return token_ == nullptr; }

 private:
  std::shared_ptr<char> token_ = std::make_shared<char>();
};

}  // namespace sluice::client_internal
