#include "broker/net/network_threads.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <asio/post.hpp>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "broker/net/disk_pool.h"
#include "proto/base/check.h"

namespace sluice::broker {
namespace {

thread_local const NetworkThread* current_thread = nullptr;

// A short time slice: a thread that wakes up while others burn the processors runs within 0.1 ms and not at
// the next 4 ms tick (65 times as many wake-ups). Kernels before 6.12 refuse it; nothing is lost then.
void AskForShortSlice() {
  struct {
    uint32_t size = 48;
    uint32_t policy = SCHED_OTHER;
    uint64_t flags = 0;
    int32_t nice = 0;
    uint32_t priority = 0;
    uint64_t runtime_ns = 100'000;
    uint64_t deadline_ns = 0;
    uint64_t period_ns = 0;
  } attributes;
  static_assert(sizeof(attributes) == 48);
  ::syscall(SYS_sched_setattr, 0, &attributes, 0);
}

// sendfile and splice have no MSG_NOSIGNAL: to a peer that is gone they raise SIGPIPE, which would end the
// process. Blocked, it stays pending and the call returns EPIPE.
void BlockPipeSignal() {
  sigset_t pipe;
  ::sigemptyset(&pipe);
  ::sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
}

}  // namespace

NetworkThread::NetworkThread(int index) : index_(index), work_(asio::make_work_guard(context_)) {
  // Made here and not by the first task: a look-up is cheaper than a creation.
  asio::use_service<PoolTasks>(context_);
}

bool NetworkThread::IsCurrent(const NetworkThread* thread) {
  return current_thread == thread;
}

void NetworkThread::Start() {
  CHECK(!thread_.joinable());
  thread_ = std::thread([this] { Main(); });
}

void NetworkThread::Main() {
  ::pthread_setname_np(::pthread_self(), absl::StrCat("net-", index_).c_str());
  BlockPipeSignal();
  AskForShortSlice();
  current_thread = this;
  context_.run();
  current_thread = nullptr;
}

void NetworkThread::Run(absl::AnyInvocable<void()> task) {
  CHECK(current_thread == nullptr);
  if (!thread_.joinable()) {
    task();
    return;
  }
  absl::Notification done;
  asio::post(context_, [&] {
    task();
    done.Notify();
  });
  done.WaitForNotification();
}

void NetworkThread::Stop() {
  CHECK(current_thread == nullptr);
  context_.stop();
  if (thread_.joinable()) {
    thread_.join();
  }
  asio::use_service<PoolTasks>(context_).AwaitNone();
}

NetworkThreads::NetworkThreads(int count) {
  CHECK_GT(count, 0);
  for (int i = 0; i < count; ++i) {
    threads_.push_back(std::make_unique<NetworkThread>(i));
  }
}

void NetworkThreads::Start() {
  for (auto& thread : threads_) {
    thread->Start();
  }
}

void NetworkThreads::Stop() {
  for (auto& thread : threads_) {
    thread->Stop();
  }
}

void NetworkThreads::DestroyPending() {
  for (auto& thread : threads_) {
    thread->DestroyPending();
  }
}

}  // namespace sluice::broker
