// The consumer as a member of a group, on the application's thread: what GroupSession says that there is to
// do is done in Poll, with no lock held, since the listener may call back.
#include <algorithm>
#include <regex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/internal/consumer_core.h"
#include "client/internal/status.h"

namespace sluice::client_internal {
namespace {

using Partitions = std::vector<TopicPartition>;

Partitions Difference(const Partitions& from, const Partitions& what) {
  Partitions rest;
  std::set_difference(from.begin(), from.end(), what.begin(), what.end(), std::back_inserter(rest));
  return rest;
}

}  // namespace

absl::Status ConsumerCore::CheckGroup(absl::string_view call) const {
  if (closed_) {
    return ClosedStatus("the consumer");
  }
  return group_ != nullptr
             ? absl::OkStatus()
             : absl::FailedPreconditionError(absl::StrCat(call, ": set ConsumerOptions::group_id first"));
}

absl::Status ConsumerCore::StartSubscription(absl::string_view call, RebalanceListener listener) {
  RETURN_IF_ERROR(CheckGroup(call));
  if (in_listener_) {
    return absl::FailedPreconditionError(absl::StrCat(call, ": it was called from a rebalance listener"));
  }
  absl::MutexLock lock(&mu_);
  if (!subscribed_ && !partitions_.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(call, ": Assign has given this consumer its partitions; call Assign({}) first"));
  }
  subscribed_ = true;
  barred_ = absl::OkStatus();
  rebalance_listener_ = std::move(listener);
  return absl::OkStatus();
}

absl::Status ConsumerCore::Subscribe(std::vector<std::string> topics, RebalanceListener listener) {
  RETURN_IF_ERROR(StartSubscription("subscribe", std::move(listener)));
  group_->Subscribe(std::move(topics));
  return absl::OkStatus();
}

absl::Status ConsumerCore::SubscribePattern(std::string_view pattern, RebalanceListener listener) {
  std::regex compiled;
  try {
    compiled.assign(pattern.begin(), pattern.end());
  } catch (const std::regex_error& error) {
    return absl::InvalidArgumentError(absl::StrCat("subscribe to pattern \"", ToAbsl(pattern),
                                                   "\": it is no regular expression: ", error.what()));
  }
  RETURN_IF_ERROR(StartSubscription("subscribe", std::move(listener)));
  group_->SubscribePattern(std::move(compiled));
  return absl::OkStatus();
}

absl::Status ConsumerCore::Unsubscribe() {
  RETURN_IF_ERROR(CheckGroup("unsubscribe"));
  if (in_listener_) {
    return absl::FailedPreconditionError("unsubscribe: it was called from a rebalance listener");
  }
  return LeaveGroup(absl::FromChrono(options_.close_timeout));
}

absl::Status ConsumerCore::Close(absl::Duration timeout) {
  if (closed_) {
    return close_status_;
  }
  if (in_listener_) {
    return absl::FailedPreconditionError("close: it was called from a rebalance listener");
  }
  close_status_ = group_ != nullptr ? LeaveGroup(timeout) : absl::OkStatus();
  closed_ = true;
  core_->loop().RunSync([this] { Stop(); });
  return close_status_;
}

absl::Status ConsumerCore::LeaveGroup(absl::Duration timeout) {
  const absl::Duration deadline = MonotonicNow() + timeout;
  const std::optional<GroupTask> task = group_->TakeTask();
  const bool lost = task.has_value() && task->lost;
  const bool commits = options_.auto_commit && !lost;
  // Also without offsets: what CommitAsync was given before is through then.
  const absl::Status status =
      group_->Commit(commits ? Positions(nullptr) : std::vector<GroupOffset>(), timeout);
  bool was_member = false;
  {
    absl::MutexLock lock(&mu_);
    was_member = subscribed_;
  }
  if (was_member) {
    GiveBack(Owned(), lost);
    group_->Leave(std::max(deadline - MonotonicNow(), absl::ZeroDuration()));
    absl::MutexLock lock(&mu_);
    subscribed_ = has_assignment_ = group_news_ = false;
    errors_.clear();
    barred_ = absl::OkStatus();
  }
  return status;
}

absl::Status ConsumerCore::ServeGroup() {
  for (;;) {
    {
      absl::MutexLock lock(&mu_);
      if (!std::exchange(group_news_, false)) {
        return barred_;
      }
    }
    const std::optional<GroupTask> task = group_->TakeTask();
    if (!task.has_value()) {
      continue;
    }
    switch (task->kind) {
      case GroupTask::Kind::kPrepare:
        Prepare(*task);
        break;
      case GroupTask::Kind::kAssign:
        TakeOver(*task);
        break;
      case GroupTask::Kind::kFail:
        GiveBack(Owned(), true);
        barred_ = task->status;
        break;
    }
  }
}

void ConsumerCore::Prepare(const GroupTask& task) {
  if (task.lost || !group_->cooperative()) {
    const Partitions owned = Owned();
    if (!task.lost && options_.auto_commit) {
      (void)group_->Commit(Positions(nullptr), core_->request_timeout());  // LastError tells.
    }
    GiveBack(owned, task.lost);
    absl::MutexLock lock(&mu_);
    has_assignment_ = false;
  }
  group_->Prepared(task.number, Owned());
}

void ConsumerCore::TakeOver(const GroupTask& task) {
  const Partitions owned = Owned();
  const Partitions removed = Difference(owned, task.assignment);
  const Partitions added = Difference(task.assignment, owned);
  if (!removed.empty() && options_.auto_commit) {
    (void)group_->Commit(Positions(&removed), core_->request_timeout());
  }
  GiveBack(removed, false);
  {
    absl::MutexLock lock(&mu_);
    for (const TopicPartition& partition : added) {
      Add(partition, task.committed);
    }
    has_assignment_ = true;
  }
  Tell(rebalance_listener_.assigned, added);
  if (group_->cooperative() && !removed.empty()) {
    group_->JoinAgain();  // So that what was given back can be given out.
  }
  Kick();
}

void ConsumerCore::GiveBack(const Partitions& partitions, bool lost) {
  if (partitions.empty()) {
    return;
  }
  const RebalanceListener& listener = rebalance_listener_;
  Tell(lost && listener.lost ? listener.lost : listener.revoked, partitions);
  absl::MutexLock lock(&mu_);
  for (const TopicPartition& partition : partitions) {
    const auto found = partitions_.find({partition.topic, partition.partition});
    if (found != partitions_.end()) {
      found->second->generation = next_generation_++;  // Whatever is under way for it is old.
      partitions_.erase(found);
    }
  }
}

void ConsumerCore::Add(const TopicPartition& added, const std::vector<GroupOffset>& committed) {
  const auto offset = std::find_if(committed.begin(), committed.end(), [&](const GroupOffset& one) {
    return one.topic == added.topic && one.partition == added.partition;
  });
  auto partition = std::make_shared<Partition>();
  partition->topic = std::make_shared<const std::string>(added.topic);
  partition->index = added.partition;
  MoveTo(*partition, offset != committed.end() ? offset->offset : kUnknown);
  partitions_[{added.topic, added.partition}] = partition;
  if (offset != committed.end()) {
    partition->leader_epoch = offset->leader_epoch;
  } else if (options_.offset_reset != OffsetReset::kError) {
    ResetSoon(partition);
  } else {
    FailPartition(*partition, absl::NotFoundError(absl::StrCat(
                                  "group \"", options_.group_id, "\" has committed no offset in ",
                                  added.topic, "-", added.partition,
                                  "; Seek to where to begin, or set offset_reset to kEarliest or kLatest")));
  }
}

void ConsumerCore::Tell(const RebalanceListener::Function& function, const Partitions& partitions) {
  if (function) {
    in_listener_ = true;
    function(partitions);
    in_listener_ = false;
  }
}

ConsumerCore::Partitions ConsumerCore::Owned() {
  absl::MutexLock lock(&mu_);
  Partitions owned;
  for (const auto& [key, partition] : partitions_) {
    owned.push_back({key.first, key.second});
  }
  return owned;  // Ordered, as the map is.
}

std::vector<GroupOffset> ConsumerCore::Positions(const Partitions* only) {
  absl::MutexLock lock(&mu_);
  std::vector<GroupOffset> positions;
  for (const auto& [key, partition] : partitions_) {
    const TopicPartition name{key.first, key.second};
    const bool wanted = only == nullptr || std::binary_search(only->begin(), only->end(), name);
    if (wanted && partition->next_offset != kUnknown) {
      positions.push_back({.topic = key.first,
                           .partition = key.second,
                           .offset = partition->next_offset,
                           .leader_epoch = partition->leader_epoch});
    }
  }
  return positions;
}

// Before Poll hands out more: what earlier ones returned has been worked on.
void ConsumerCore::AutoCommit() {
  const absl::Duration now = MonotonicNow();
  if (!options_.auto_commit || now < next_auto_commit_) {
    return;
  }
  const bool is_first = next_auto_commit_ == -absl::InfiniteDuration();
  next_auto_commit_ = now + absl::FromChrono(options_.auto_commit_interval);
  if (std::vector<GroupOffset> positions = Positions(nullptr); !is_first && !positions.empty()) {
    group_->CommitAsync(std::move(positions), nullptr);
  }
}

absl::Status ConsumerCore::CommitSync(const std::vector<GroupOffset>* offsets) {
  RETURN_IF_ERROR(CheckGroup("commit"));
  return group_->Commit(offsets != nullptr ? *offsets : Positions(nullptr), core_->request_timeout());
}

void ConsumerCore::CommitAsync(std::optional<std::vector<GroupOffset>> offsets, CommitCallback done) {
  if (const absl::Status status = CheckGroup("commit"); !status.ok()) {
    core_->loop().Post([done = std::move(done), status] {
      if (done) {
        done(status);
      }
    });
    return;
  }
  group_->CommitAsync(offsets.has_value() ? *std::move(offsets) : Positions(nullptr), std::move(done));
}

absl::StatusOr<std::vector<GroupOffset>> ConsumerCore::Committed(
    const std::vector<TopicPartition>& partitions) {
  RETURN_IF_ERROR(CheckGroup("ask for committed offsets"));
  return group_->Committed(partitions);
}

GroupMembership ConsumerCore::membership() const {
  return group_ != nullptr ? group_->membership() : GroupMembership();
}

}  // namespace sluice::client_internal
