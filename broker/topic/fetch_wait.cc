#include "broker/topic/fetch_wait.h"

#include <utility>

#include "absl/synchronization/mutex.h"

namespace sluice::broker {

// One arming. It leaves all partitions with the first change, so none keeps it longer than that.
class FetchWait::Registration final : public PartitionWaiter,
                                      public std::enable_shared_from_this<FetchWait::Registration> {
 public:
  Registration(std::vector<std::shared_ptr<Partition>> partitions, Wake wake)
      : partitions_(std::move(partitions)), wake_(std::move(wake)) {}

  void Register() {
    for (const std::shared_ptr<Partition>& partition : partitions_) {
      partition->AddWaiter(shared_from_this());
    }
    // A change during the loop unregistered from what came before it; this takes back what came after.
    if (is_over()) {
      Unregister();
    }
  }

  void OnPartitionChanged() override { Fire(); }

  void Fire() {
    if (Wake wake = TakeWake()) {
      Unregister();
      wake();
    }
  }

  bool Cancel() {
    const bool was_waiting = TakeWake() != nullptr;
    Unregister();
    return was_waiting;
  }

 private:
  Wake TakeWake() {
    absl::MutexLock lock(&mu_);
    return std::exchange(wake_, nullptr);
  }

  bool is_over() {
    absl::MutexLock lock(&mu_);
    return wake_ == nullptr;
  }

  void Unregister() {
    for (const std::shared_ptr<Partition>& partition : partitions_) {
      partition->RemoveWaiter(this);
    }
  }

  const std::vector<std::shared_ptr<Partition>> partitions_;
  absl::Mutex mu_;
  Wake wake_ ABSL_GUARDED_BY(mu_);  // Null once it was taken.
};

FetchWait::~FetchWait() {
  Cancel();
}

void FetchWait::Arm(std::vector<std::shared_ptr<Partition>> partitions, Wake wake) {
  Cancel();
  registration_ = std::make_shared<Registration>(std::move(partitions), std::move(wake));
  registration_->Register();
}

void FetchWait::Fire() {
  if (registration_ != nullptr) {
    registration_->Fire();
  }
}

bool FetchWait::Cancel() {
  const auto registration = std::exchange(registration_, nullptr);
  return registration != nullptr && registration->Cancel();
}

}  // namespace sluice::broker
