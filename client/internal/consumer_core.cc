// The half of the consumer that runs on the application's thread. consumer_fetch.cc has the other.
#include "client/internal/consumer_core.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "client/internal/offset_lookup.h"
#include "client/internal/status.h"

namespace sluice::client_internal {

ConsumerCore::ConsumerCore(std::shared_ptr<Core> core, const ConsumerOptions& options)
    : core_(std::move(core)),
      options_(options),
      channels_{core_->NewChannel(), core_->NewChannel()},
      timer_(core_->loop().context()),
      group_(options.group_id.empty() ? nullptr : std::make_unique<GroupSession>(*core_, options, [this] {
        absl::MutexLock lock(&mu_);
        group_news_ = true;
        news_.SignalAll();
      })) {
  core_->loop().RunSync([this] {
    listener_ = core_->metadata().AddListener([this] {
      {
        absl::MutexLock lock(&mu_);
        CheckTopics();
      }
      Pump();
    });
  });
}

ConsumerCore::~ConsumerCore() {
  (void)Close(absl::FromChrono(options_.close_timeout));
}

absl::StatusOr<std::vector<OffsetAnswer>> ConsumerCore::Resolve(const std::vector<Assignment>& assignments) {
  std::vector<OffsetQuery> queries;
  for (const Assignment& assignment : assignments) {
    queries.push_back({assignment.topic, assignment.partition, assignment.start});
  }
  std::vector<OffsetAnswer> answers;
  absl::Notification done;
  core_->loop().Post([&] {
    LookUpOffsets(*core_, std::move(queries), core_->request_timeout(), [&](std::vector<OffsetAnswer> found) {
      answers = std::move(found);
      done.Notify();
    });
  });
  done.WaitForNotification();
  for (const OffsetAnswer& answer : answers) {
    RETURN_IF_ERROR(answer.status);
  }
  return answers;
}

absl::Status ConsumerCore::Assign(std::vector<Assignment> assignments) {
  if (closed_) {
    return ClosedStatus("the consumer");
  }
  {
    absl::MutexLock lock(&mu_);
    if (subscribed_) {
      return absl::FailedPreconditionError(
          "assign: the consumer has subscribed, and its group assigns the partitions; call Unsubscribe "
          "first");
    }
  }
  ASSIGN_OR_RETURN(const std::vector<OffsetAnswer> starts, Resolve(assignments));
  {
    absl::MutexLock lock(&mu_);
    for (auto& [key, partition] : partitions_) {
      partition->generation = next_generation_++;  // Whatever is under way for it is old.
    }
    partitions_.clear();
    errors_.clear();
    for (size_t i = 0; i < assignments.size(); ++i) {
      auto partition = std::make_shared<Partition>();
      partition->topic = std::make_shared<const std::string>(assignments[i].topic);
      partition->index = assignments[i].partition;
      MoveTo(*partition, starts[i].offset);
      partitions_[{assignments[i].topic, assignments[i].partition}] = std::move(partition);
    }
  }
  Kick();
  return absl::OkStatus();
}

absl::Status ConsumerCore::AssignTopic(std::string_view topic, Position start) {
  const std::string name(topic);
  // Looks the topic up, with the patience for what was created a moment ago.
  RETURN_IF_ERROR(Resolve({{.topic = name, .partition = 0, .start = Position::End()}}).status());
  std::vector<Assignment> assignments;
  core_->loop().RunSync([&] {
    const TopicInfo* info = core_->metadata().FindTopic(ToAbsl(name));
    for (size_t i = 0; info != nullptr && i < info->partitions.size(); ++i) {
      assignments.push_back({.topic = name, .partition = static_cast<int32_t>(i), .start = start});
    }
  });
  return Assign(std::move(assignments));
}

absl::StatusOr<ConsumerCore::PartitionPtr> ConsumerCore::Find(std::string_view topic, int32_t partition) {
  const auto found = partitions_.find({std::string(topic), partition});
  if (found == partitions_.end()) {
    return absl::NotFoundError(absl::StrCat("partition ", ToAbsl(topic), "-", partition,
                                            " is not assigned to this consumer; call Assign first"));
  }
  return found->second;
}

void ConsumerCore::MoveTo(Partition& partition, int64_t offset) {
  partition.generation = next_generation_++;
  partition.next_offset = partition.fetch_offset = offset;
  partition.leader_epoch = -1;
  partition.failed = partition.resetting = false;
  partition.not_before = -absl::InfiniteDuration();
  partition.errors_in_a_row = 0;
}

absl::Status ConsumerCore::Seek(std::string_view topic, int32_t partition, Position to) {
  {
    absl::MutexLock lock(&mu_);
    RETURN_IF_ERROR(Find(topic, partition).status());
  }
  ASSIGN_OR_RETURN(const std::vector<OffsetAnswer> found, Resolve({{std::string(topic), partition, to}}));
  {
    absl::MutexLock lock(&mu_);
    ASSIGN_OR_RETURN(const PartitionPtr moved, Find(topic, partition));
    MoveTo(*moved, found.front().offset);
  }
  Kick();
  return absl::OkStatus();
}

absl::Status ConsumerCore::SetPaused(std::string_view topic, int32_t partition, bool paused) {
  {
    absl::MutexLock lock(&mu_);
    ASSIGN_OR_RETURN(const PartitionPtr found, Find(topic, partition));
    if (found->paused == paused) {
      return absl::OkStatus();
    }
    found->paused = paused;
    if (paused) {
      // What was fetched ahead is fetched again: rarer, and simpler, than keeping it aside.
      found->generation = next_generation_++;
      found->fetch_offset = found->next_offset;
      if (found->resetting) {
        ResetSoon(found);
      }
    }
  }
  Kick();
  return absl::OkStatus();
}

void ConsumerCore::Kick() {
  {
    absl::MutexLock lock(&mu_);
    if (std::exchange(kicked_, true)) {
      return;
    }
  }
  core_->loop().Post(lifetime_.Guard([this] { Pump(); }));
}

bool ConsumerCore::HasNews() const {
  return !ready_.empty() || !errors_.empty() || woken_ || group_news_;
}

absl::StatusOr<FetchedRecords> ConsumerCore::Poll(absl::Duration timeout) {
  if (closed_ || in_listener_) {
    return closed_ ? ClosedStatus("the consumer")
                   : absl::FailedPreconditionError("poll: it was called from a rebalance listener");
  }
  if (group_ == nullptr) {
    return PollRecords(timeout);
  }
  group_->EnterPoll();
  AutoCommit();
  absl::StatusOr<FetchedRecords> records = PollRecords(timeout);
  group_->LeavePoll();
  return records;
}

absl::StatusOr<FetchedRecords> ConsumerCore::PollRecords(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  for (;;) {
    if (group_ != nullptr) {
      RETURN_IF_ERROR(ServeGroup());
    }
    FetchedAnswer answer;
    {
      absl::MutexLock lock(&mu_);
      while (!HasNews()) {
        if (news_.WaitWithDeadline(&mu_, deadline)) {
          break;
        }
      }
      if (std::exchange(woken_, false)) {
        return FetchedRecords();
      }
      if (group_news_) {
        continue;
      }
      if (!errors_.empty()) {
        absl::Status error = std::move(errors_.front());
        errors_.pop_front();
        return error;
      }
      if (ready_.empty()) {
        return FetchedRecords();
      }
      answer = std::move(ready_.front());
      ready_.pop_front();
      --nodes_[answer.node].queued_answers;
    }
    Kick();  // There is room for another answer.
    std::unique_ptr<FetchedData> data = Open(std::move(answer));
    if (data->record_count() > 0) {
      return FetchedRecords(std::move(data));
    }
  }
}

std::unique_ptr<FetchedData> ConsumerCore::Open(FetchedAnswer answer) {
  auto data = std::make_unique<FetchedData>(std::move(answer.buffer));
  const OpenOptions options{.check_crcs = options_.check_crcs,
                            .decompressed_bytes_max = options_.decompressed_bytes_max};
  for (const Slice& slice : answer.slices) {
    {
      absl::MutexLock lock(&mu_);
      if (slice.partition->generation != slice.generation) {
        continue;
      }
    }
    FetchedData::Progress progress;
    const absl::Status status = data->Add(slice.data, options, decompressor_, &progress);
    absl::MutexLock lock(&mu_);
    if (slice.partition->generation != slice.generation) {
      continue;  // It failed, or its offset was reset, while this was opened.
    }
    slice.partition->next_offset = progress.next_offset;
    slice.partition->leader_epoch = progress.leader_epoch;
    if (!status.ok()) {
      FailPartition(*slice.partition,
                    Annotated(status, "poll; fetch it again with Seek, or Seek beyond it to skip it"));
    }
  }
  return data;
}

void ConsumerCore::Wakeup() {
  absl::MutexLock lock(&mu_);
  woken_ = true;
  news_.SignalAll();
}

absl::StatusOr<int64_t> ConsumerCore::NextOffset(std::string_view topic, int32_t partition) {
  absl::MutexLock lock(&mu_);
  ASSIGN_OR_RETURN(const PartitionPtr found, Find(topic, partition));
  if (found->next_offset == kUnknown) {
    return absl::UnavailableError(absl::StrCat("the position in ", ToAbsl(topic), "-", partition,
                                               " is not known yet; Poll, or Seek to give one"));
  }
  return found->next_offset;
}

std::optional<Watermarks> ConsumerCore::LastWatermarks(std::string_view topic, int32_t partition) {
  absl::MutexLock lock(&mu_);
  const absl::StatusOr<PartitionPtr> found = Find(topic, partition);
  return found.ok() ? (*found)->watermarks : std::nullopt;
}

bool ConsumerCore::AtEnd() {
  absl::MutexLock lock(&mu_);
  if (subscribed_ && !has_assignment_) {
    return false;
  }
  return std::all_of(partitions_.begin(), partitions_.end(), [](const auto& entry) {
    const Partition& partition = *entry.second;
    return partition.watermarks.has_value() && partition.next_offset >= partition.watermarks->high;
  });
}

absl::Status ConsumerCore::LastError() {
  if (group_ != nullptr) {
    RETURN_IF_ERROR(group_->LastError());
  }
  absl::MutexLock lock(&mu_);
  return last_error_;
}

std::vector<Assignment> ConsumerCore::assignment() {
  absl::MutexLock lock(&mu_);
  std::vector<Assignment> assignments;
  for (const auto& [key, partition] : partitions_) {
    assignments.push_back({key.first, key.second, Position::At(partition->next_offset)});
  }
  return assignments;
}

}  // namespace sluice::client_internal
