#include "storage/log/flusher.h"

#include <utility>

namespace sluice::storage {

Flusher::Flusher(int threads) {
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { Run(); });
  }
}

Flusher::~Flusher() {
  Stop();
}

void Flusher::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) {
    thread.join();
  }
  threads_.clear();
}

void Flusher::Request(std::shared_ptr<SyncTarget> target) {
  if (target->sync_queued.exchange(true)) {
    return;
  }
  absl::MutexLock lock(&mu_);
  queue_.push_back(std::move(target));
}

void Flusher::Run() {
  absl::MutexLock lock(&mu_);
  while (true) {
    mu_.Await(absl::Condition(this, &Flusher::HasWork));
    if (stopping_) {
      return;
    }
    SyncOne();
  }
}

void Flusher::SyncOne() {
  const std::shared_ptr<SyncTarget> target = std::move(queue_.front());
  queue_.pop_front();
  if (target->sync_running) {  // The other thread is at it, and puts it back when it is done.
    target->sync_deferred = true;
    return;
  }
  target->sync_running = true;
  mu_.Unlock();
  // Before it looks how far the log reaches, so that later appends ask anew; an exchange, so that it sees
  // what was appended before the request that it takes back.
  target->sync_queued.exchange(false);
  target->SyncNow().IgnoreError();  // A failure was raised where it happened.
  mu_.Lock();
  target->sync_running = false;
  if (std::exchange(target->sync_deferred, false)) {
    queue_.push_back(target);
  }
}

}  // namespace sluice::storage
