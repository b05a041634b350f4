// The network threads: one io_context each, and whatever lives on it stays on it.
#pragma once

#include <asio/io_context.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"

namespace sluice::broker {

// Thread-safe but for Start, Stop and the destructor, which belong to the owner.
class NetworkThread {
 public:
  explicit NetworkThread(int index);
  ~NetworkThread() { Stop(); }
  NetworkThread(const NetworkThread&) = delete;
  NetworkThread& operator=(const NetworkThread&) = delete;

  asio::io_context& context() { return context_; }
  // Whether the caller runs on this thread. Safe to ask of a pointer to a thread that is gone.
  static bool IsCurrent(const NetworkThread* thread);

  void Start();
  // Runs `task` on the thread and waits for it; in the caller if the thread does not run. Never from a
  // network thread.
  void Run(absl::AnyInvocable<void()> task);
  // Joins the thread, and waits for what its coroutines have on a disk pool. Nothing runs on it any more;
  // what is posted from now on stays in the queue.
  void Stop();
  // After Stop: destroys the coroutines that did not come to their end, and whatever they hold.
  void DestroyPending() { context_.DestroyPending(); }

 private:
  class Context : public asio::io_context {
   public:
    Context() : asio::io_context(1) {}  // 1: run by one thread, so a post from it takes no lock.
    void DestroyPending() { asio::execution_context::shutdown(); }
  };

  void Main();

  const int index_;
  Context context_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::thread thread_;
};

class NetworkThreads {
 public:
  explicit NetworkThreads(int count);

  size_t size() const { return threads_.size(); }
  NetworkThread& operator[](size_t index) { return *threads_[index]; }
  void Start();
  void Stop();
  void DestroyPending();

 private:
  std::vector<std::unique_ptr<NetworkThread>> threads_;
};

}  // namespace sluice::broker
