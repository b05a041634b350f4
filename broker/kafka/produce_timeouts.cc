#include "broker/kafka/produce_timeouts.h"

#include <algorithm>
#include <asio/steady_timer.hpp>
#include <vector>

#include "broker/kafka/pending_produce.h"

namespace sluice::broker {
namespace {

// Finished requests are swept out when so many more came in than were left by the sweep before.
constexpr size_t kSweepAfter = 64;
// And at least so often, so that a timer does not outlive its connection for long.
constexpr auto kSweepEvery = std::chrono::seconds(30);

}  // namespace

class ProduceTimeouts::Timer : public std::enable_shared_from_this<Timer> {
 public:
  explicit Timer(const asio::any_io_executor& executor) : timer_(executor) {}

  void Add(TimePoint deadline, const std::shared_ptr<PendingProduce>& pending) {
    if (entries_.size() >= 2 * kept_ + kSweepAfter) {
      Sweep();
    }
    entries_.push_back({deadline, pending});
    if (!armed_ || deadline < armed_for_) {
      Arm(deadline);
    }
  }

  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    TimePoint deadline;
    std::weak_ptr<PendingProduce> pending;
  };

  static bool Finished(const Entry& entry) {
    const auto pending = entry.pending.lock();
    return pending == nullptr || pending->finished();
  }

  void Sweep() {
    std::erase_if(entries_, Finished);
    kept_ = entries_.size();
  }

  // Setting a new time ends the wait before with an error, which is not OnTime's business. The wait owns
  // this.
  void Arm(TimePoint deadline) {
    armed_ = true;
    armed_for_ = std::min(deadline, std::chrono::steady_clock::now() + kSweepEvery);
    timer_.expires_at(armed_for_);
    timer_.async_wait([self = shared_from_this()](const asio::error_code& error) {
      if (!error) {
        self->OnTime();
      }
    });
  }

  void OnTime() {
    armed_ = false;
    const TimePoint now = std::chrono::steady_clock::now();
    for (const Entry& entry : entries_) {
      if (const auto pending = entry.pending.lock(); pending != nullptr && entry.deadline <= now) {
        pending->Expire();
      }
    }
    Sweep();
    if (!entries_.empty()) {
      Arm(std::ranges::min(entries_, {}, &Entry::deadline).deadline);
    }
  }

  asio::steady_timer timer_;
  std::vector<Entry> entries_;
  size_t kept_ = 0;
  bool armed_ = false;
  TimePoint armed_for_;
};

void ProduceTimeouts::Add(const asio::any_io_executor& executor, TimePoint deadline,
                          const std::shared_ptr<PendingProduce>& pending) {
  std::shared_ptr<Timer> timer = timer_.lock();
  if (timer == nullptr) {
    timer = std::make_shared<Timer>(executor);
    timer_ = timer;
  }
  timer->Add(deadline, pending);
}

size_t ProduceTimeouts::size() const {
  const std::shared_ptr<Timer> timer = timer_.lock();
  return timer == nullptr ? 0 : timer->size();
}

}  // namespace sluice::broker
