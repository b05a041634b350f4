#include "broker/kafka/alarm.h"

#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace sluice::broker {

// What outlives the alarm. While `timer_` is set, the alarm lives, and so does what the executor posts to.
class Alarm::Bell : public std::enable_shared_from_this<Alarm::Bell> {
 public:
  explicit Bell(asio::steady_timer* timer) : timer_(timer) {}

  // Any thread.
  void Ring() {
    absl::MutexLock lock(&mu_);
    if (timer_ != nullptr) {
      asio::post(timer_->get_executor(), [self = shared_from_this()] { self->OnRing(); });
    }
  }

  void Detach() {
    absl::MutexLock lock(&mu_);
    timer_ = nullptr;
  }

  bool TakeRang() {
    absl::MutexLock lock(&mu_);
    return std::exchange(rang_, false);
  }

 private:
  // The executor's thread, as every use of the timer but for its executor.
  void OnRing() {
    absl::MutexLock lock(&mu_);
    if (timer_ != nullptr) {
      rang_ = true;
      timer_->cancel();
    }
  }

  absl::Mutex mu_;
  asio::steady_timer* timer_ ABSL_GUARDED_BY(mu_);  // Null once the alarm is gone.
  bool rang_ ABSL_GUARDED_BY(mu_) = false;
};

Alarm::Alarm(const asio::any_io_executor& executor, std::chrono::steady_clock::time_point deadline)
    : timer_(executor, deadline), bell_(std::make_shared<Bell>(&timer_)) {}

Alarm::~Alarm() {
  bell_->Detach();
}

absl::AnyInvocable<void()> Alarm::bell() const {
  return [bell = bell_] { bell->Ring(); };
}

asio::awaitable<bool> Alarm::Sleep() {
  if (!bell_->TakeRang()) {
    asio::error_code cancelled;
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    bell_->TakeRang();
  }
  co_return std::chrono::steady_clock::now() < timer_.expiry();
}

}  // namespace sluice::broker
