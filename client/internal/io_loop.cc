#include "client/internal/io_loop.h"

#include <pthread.h>

namespace sluice::client_internal {

IoLoop::IoLoop()
    : context_(std::make_shared<asio::io_context>(1)),
      work_(asio::make_work_guard(*context_)),
      thread_([context = context_] {
        pthread_setname_np(pthread_self(), "sluice-client");
        context->run();
      }) {}

void IoLoop::Stop() {
  if (!thread_.joinable()) {
    return;
  }
  context_->stop();
  if (OnLoopThread()) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

void IoLoop::RunSync(absl::FunctionRef<void()> work) {
  if (OnLoopThread()) {
    work();
    return;
  }
  absl::Notification done;
  Post([&] {
    work();
    done.Notify();
  });
  done.WaitForNotification();
}

}  // namespace sluice::client_internal
