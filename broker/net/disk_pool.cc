#include "broker/net/disk_pool.h"

#include <sys/prctl.h>

#include <asio/post.hpp>

#include "proto/base/check.h"

namespace sluice::broker {

asio::execution_context::id PoolTasks::id;

DiskPool::DiskPool(int threads) : pool_(static_cast<size_t>(threads)) {
  CHECK_GT(threads, 0);
}

DiskPool::~DiskPool() {
  pool_.join();
}

void DiskPool::Post(absl::AnyInvocable<void()> task) {
  asio::post(pool_, [task = std::move(task)]() mutable {
    thread_local const bool named = ::prctl(PR_SET_NAME, "disk") == 0;
    (void)named;
    task();
  });
}

void PoolTasks::AwaitNone() {
  absl::MutexLock lock(&count_->mu);
  count_->mu.Await(absl::Condition(
      +[](Count* count) ABSL_EXCLUSIVE_LOCKS_REQUIRED(count->mu) { return count->tasks == 0; },
      count_.get()));
}

PoolTasks::Ticket PoolTasks::Begin(asio::execution_context& context) {
  return Ticket(asio::use_service<PoolTasks>(context).count_);
}

PoolTasks::Ticket::Ticket(std::shared_ptr<Count> count) : count_(std::move(count)) {
  absl::MutexLock lock(&count_->mu);
  ++count_->tasks;
}

PoolTasks::Ticket::~Ticket() {
  if (count_ != nullptr) {
    absl::MutexLock lock(&count_->mu);
    --count_->tasks;
  }
}

}  // namespace sluice::broker
