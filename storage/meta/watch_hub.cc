#include "storage/meta/watch_hub.h"

#include <utility>

#include "absl/strings/match.h"
#include "proto/base/bytes.h"
#include "proto/base/check.h"

namespace sluice::storage {
namespace {

// Events that listeners may be behind before commits wait for them.
constexpr size_t kQueuedEventsMax = 65'536;

}  // namespace

class WatchHub::Handle final : public MetadataStore::WatchHandle {
 public:
  Handle(WatchHub* hub, int64_t id) : hub_(hub), id_(id) {}
  ~Handle() override { hub_->Remove(id_); }

 private:
  WatchHub* const hub_;
  const int64_t id_;
};

WatchHub::WatchHub() : dispatcher_([this] { Run(); }) {}

WatchHub::~WatchHub() {
  {
    absl::MutexLock lock(&mu_);
    CHECK(watches_.empty());  // A handle would point at nothing from now on.
    stopping_ = true;
  }
  dispatcher_.join();
}

std::unique_ptr<MetadataStore::WatchHandle> WatchHub::Add(absl::string_view prefix, Listener listener) {
  absl::MutexLock lock(&mu_);
  const int64_t id = ++last_id_;
  watches_[id] = std::make_shared<Watch>(
      Watch{.prefix = std::string(prefix), .listener = std::move(listener), .from_sequence = next_sequence_});
  return std::make_unique<Handle>(this, id);
}

void WatchHub::Remove(int64_t id) {
  std::shared_ptr<Watch> removed;  // Destroyed last, without the lock: a listener may hold anything.
  absl::MutexLock lock(&mu_);
  removed = std::move(watches_.at(id));
  watches_.erase(id);
  if (std::this_thread::get_id() != dispatcher_.get_id()) {
    const auto is_not_running = [this, id]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return running_id_ != id; };
    mu_.Await(absl::Condition(&is_not_running));
  }
}

void WatchHub::Publish(std::vector<MetadataStore::Event> events) {
  absl::MutexLock lock(&mu_);
  for (MetadataStore::Event& event : events) {
    queue_.push_back({.event = std::move(event), .sequence = next_sequence_++});
  }
}

void WatchHub::WaitForRoom() {
  if (std::this_thread::get_id() == dispatcher_.get_id()) {
    return;
  }
  absl::MutexLock lock(&mu_);
  const auto has_room = [this]()
                            ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return queue_.size() < kQueuedEventsMax; };
  mu_.Await(absl::Condition(&has_room));
}

void WatchHub::Run() {
  absl::MutexLock lock(&mu_);
  while (true) {
    mu_.Await(absl::Condition(this, &WatchHub::HasWork));
    if (stopping_) {
      return;
    }
    const Queued next = std::move(queue_.front());
    queue_.pop_front();
    Deliver(next);
  }
}

// Watches come and go while the lock is released for a call, hence the search for the next one by id.
void WatchHub::Deliver(const Queued& queued) {
  for (auto it = watches_.begin(); it != watches_.end(); it = watches_.upper_bound(running_id_)) {
    running_id_ = it->first;
    std::shared_ptr<Watch> watch = it->second;
    if (queued.sequence >= watch->from_sequence && absl::StartsWith(queued.event.value.key, watch->prefix)) {
      mu_.Unlock();
      watch->listener(queued.event);
      watch.reset();
      mu_.Lock();
    }
  }
  running_id_ = 0;
}

}  // namespace sluice::storage
