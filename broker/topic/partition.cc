#include "broker/topic/partition.h"

#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

namespace sluice::broker {

// Who waits for the log to move. Everything that is called back is taken out under the lock and called
// outside it, so a callback may register again.
//
// No move is missed: whoever registers looks at the log after it has the lock, and the log takes the lock
// after it has moved.
//
// And nothing is committed before its move was noted by those who wait: a producer that has its answer may
// tell a consumer, and that one must find the records.
class Partition::Waits {
 public:
  using Done = absl::AnyInvocable<void(absl::Status)>;

  // `log` outlives the last call of OnLogMoved, which it makes itself.
  Waits(std::string name, storage::Log* log)
      : name_(std::move(name)), log_(log), seen_(log->readable_end()), seen_start_(log->start()) {}

  void AwaitCommitted(Offset offset, Done done) {
    absl::Status health;
    {
      absl::MutexLock lock(&mu_);
      health = log_->health();
      if (!closed_ && health.ok() && seen_ < offset) {
        // Appends come in order, so do their waits: nearly always the last place.
        commits_.emplace_hint(commits_.end(), offset, std::move(done));
        return;
      }
    }
    if (!health.ok()) {
      done(std::move(health));
    } else {
      done(log_->readable_end() >= offset ? absl::OkStatus() : ClosedStatus());
    }
  }

  void AddWaiter(std::shared_ptr<PartitionWaiter> waiter) {
    {
      absl::MutexLock lock(&mu_);
      if (!closed_ && log_->health().ok()) {
        const PartitionWaiter* key = waiter.get();
        waiters_[key] = std::move(waiter);
        return;
      }
    }
    waiter->OnPartitionChanged();
  }

  void RemoveWaiter(const PartitionWaiter* waiter) {
    std::shared_ptr<PartitionWaiter> removed;  // Dies outside the lock.
    absl::MutexLock lock(&mu_);
    if (const auto found = waiters_.find(waiter); found != waiters_.end()) {
      removed = std::move(found->second);
      waiters_.erase(found);
    }
  }

  void OnLogMoved() {
    std::vector<Done> done;
    Waiters waiters;
    absl::Status health;
    {
      absl::MutexLock lock(&mu_);
      const Offset readable_end = log_->readable_end();
      const Offset start = log_->start();
      // After the end, so that nothing that a sync brought while another one failed is committed.
      health = log_->health();
      if (closed_ || (health.ok() && readable_end == seen_ && start == seen_start_)) {
        return;  // Only the end moved, and nobody may see that yet.
      }
      seen_ = readable_end;
      seen_start_ = start;
      TakeCommitsBefore(health.ok() ? readable_end : Offset(std::numeric_limits<int64_t>::max()), &done);
      waiters.swap(waiters_);
      for (const auto& [key, waiter] : waiters) {
        waiter->NotePartitionMoved();
      }
    }
    for (Done& commit : done) {
      commit(health);
    }
    Wake(waiters);
  }

  void WakeWaiters() {
    Waiters waiters;
    {
      absl::MutexLock lock(&mu_);
      waiters.swap(waiters_);
    }
    Wake(waiters);
  }

  void Close() {
    Commits commits;
    Waiters waiters;
    {
      absl::MutexLock lock(&mu_);
      closed_ = true;
      commits.swap(commits_);
      waiters.swap(waiters_);
    }
    for (auto& [offset, done] : commits) {
      done(ClosedStatus());
    }
    Wake(waiters);
  }

  bool closed() const {
    absl::MutexLock lock(&mu_);
    return closed_;
  }

 private:
  using Commits = std::multimap<Offset, Done>;
  using Waiters = absl::flat_hash_map<const PartitionWaiter*, std::shared_ptr<PartitionWaiter>>;

  void TakeCommitsBefore(Offset end, std::vector<Done>* done) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const auto first_to_stay = commits_.upper_bound(end);
    for (auto commit = commits_.begin(); commit != first_to_stay; ++commit) {
      done->push_back(std::move(commit->second));
    }
    commits_.erase(commits_.begin(), first_to_stay);
  }

  static void Wake(const Waiters& waiters) {
    for (const auto& [key, waiter] : waiters) {
      waiter->OnPartitionChanged();
    }
  }

  absl::Status ClosedStatus() const {
    return absl::UnavailableError(absl::StrCat(
        name_,
        " was closed before the records were on the disk: its topic was deleted, or the broker stops; "
        "they may or may not be there afterwards"));
  }

  const std::string name_;
  storage::Log* const log_;

  mutable absl::Mutex mu_;
  Commits commits_ ABSL_GUARDED_BY(mu_);
  Waiters waiters_ ABSL_GUARDED_BY(mu_);
  Offset seen_ ABSL_GUARDED_BY(mu_);  // The readable end that was last told, and the start.
  Offset seen_start_ ABSL_GUARDED_BY(mu_);
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

Partition::Partition(std::string topic, PartitionId id, LeaderEpoch epoch, std::shared_ptr<storage::Log> log)
    : topic_(std::move(topic)),
      id_(id),
      epoch_(epoch),
      log_(std::move(log)),
      waits_(std::make_shared<Waits>(absl::StrCat(topic_, "-", id.value()), log_.get())) {
  log_->SetListener([waits = waits_] { waits->OnLogMoved(); });
}

Partition::~Partition() {
  Close();
}

std::optional<storage::EpochEnd> Partition::FindEpochEnd(LeaderEpoch epoch) const {
  if (epoch.value() < 0 || epoch > epoch_) {
    return std::nullopt;
  }
  const Offset log_end = log_->end();
  const LeaderEpoch last = log_->latest_epoch();  // After the end: what was before it is of no later one.
  if (epoch == epoch_) {
    return storage::EpochEnd{.epoch = epoch, .end_offset = log_end};
  }
  if (epoch <= last) {
    return log_->FindEpochEnd(epoch);
  }
  // The log knows an epoch by its records. One without any ends here, under the name of the last that wrote:
  // a consumer that learned it from metadata alone must not be told that records were lost.
  return storage::EpochEnd{.epoch = last.value() < 0 ? epoch : last, .end_offset = log_end};
}

void Partition::AwaitCommitted(Offset offset, absl::AnyInvocable<void(absl::Status)> done) {
  waits_->AwaitCommitted(offset, std::move(done));
}

void Partition::AddWaiter(std::shared_ptr<PartitionWaiter> waiter) {
  waits_->AddWaiter(std::move(waiter));
}

void Partition::RemoveWaiter(const PartitionWaiter* waiter) {
  waits_->RemoveWaiter(waiter);
}

void Partition::WakeWaiters() {
  waits_->WakeWaiters();
}

void Partition::Close() {
  waits_->Close();
}

bool Partition::closed() const {
  return waits_->closed();
}

}  // namespace sluice::broker
