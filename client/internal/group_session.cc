// What the application's thread calls, and the loop's side of it. group_session_requests.cc talks to the
// coordinator.
#include "client/internal/group_session.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "client/internal/status.h"

namespace sluice::client_internal {
namespace {

// Refreshes in a row that must say that a topic does not exist before the group shares anew without it.
constexpr int kUnknownInARow = 3;
// What an answer may take longer than the broker was given: it is on its way.
constexpr absl::Duration kGrace = absl::Milliseconds(100);

bool IsCooperative(const ConsumerOptions& options) {
  return options.assignors == std::vector<Assignor>{Assignor::kCooperativeSticky};
}

}  // namespace

GroupSession::GroupSession(Core& core, const ConsumerOptions& options, std::function<void()> news)
    : core_(core),
      options_(options),
      cooperative_(IsCooperative(options)),
      poll_interval_max_(absl::FromChrono(options.poll_interval_max)),
      rebalance_timeout_(absl::FromChrono(options.rebalance_timeout.value_or(options.poll_interval_max))),
      news_(std::move(news)),
      timer_(core.loop().context()),
      coordinator_(std::make_shared<Coordinator>(core, options.group_id)),
      offsets_(core, coordinator_,
               {.claim = [this] { return Claim(); },
                .on_code =
                    [this](kafka::ErrorCode code) {
                      state_.OnCommitted(code);
                      Judge(code, "commit");
                      PumpSoon();
                    }}),
      state_({.heartbeat_interval = absl::FromChrono(options.heartbeat_interval),
              .is_static = !options.group_instance_id.empty()}) {
  core_.loop().RunSync([this] {
    channel_ = core_.NewChannel();
    listener_ = core_.metadata().AddListener([this] { OnMetadata(); });
  });
}

GroupSession::~GroupSession() {
  core_.loop().RunSync([this] {
    core_.metadata().RemoveListener(listener_);
    timer_.cancel();
    lifetime_.Revoke();
    offsets_.Stop(ClosedStatus("the consumer"));
    core_.CloseChannel(channel_);
  });
}

void GroupSession::Subscribe(std::vector<std::string> topics) {
  std::sort(topics.begin(), topics.end());
  topics.erase(std::unique(topics.begin(), topics.end()), topics.end());
  core_.loop().Post(lifetime_.Guard(
      [this, topics = std::move(topics)]() mutable { StartSubscription(std::move(topics), std::nullopt); }));
}

void GroupSession::SubscribePattern(std::regex pattern) {
  core_.loop().Post(lifetime_.Guard(
      [this, pattern = std::move(pattern)]() mutable { StartSubscription({}, std::move(pattern)); }));
}

void GroupSession::StartSubscription(std::vector<std::string> topics, std::optional<std::regex> pattern) {
  topics_ = std::move(topics);
  pattern_ = std::move(pattern);
  for (const std::string& topic : topics_) {
    core_.metadata().Watch(topic, false);
  }
  if (pattern_.has_value()) {
    core_.metadata().WatchAll();
  }
  core_.metadata().RefreshSoon();
  fatal_ = absl::OkStatus();
  if (!pattern_.has_value()) {
    state_.WantJoin();  // With a pattern: when the topics are known.
  }
  Pump();
}

std::vector<std::string> GroupSession::MatchingTopics() const {
  std::vector<std::string> matching;
  core_.metadata().ForEachTopic([&](const TopicInfo& topic) {
    const bool gone = topic.error_code != 0 && topic.unknown_in_a_row >= kUnknownInARow;
    if (!topic.internal && !gone && !topic.partitions.empty() && std::regex_match(topic.name, *pattern_)) {
      matching.push_back(topic.name);
    }
  });
  std::sort(matching.begin(), matching.end());
  return matching;
}

PartitionCounts GroupSession::CountsOf(const std::set<std::string>& topics) const {
  PartitionCounts counts;
  for (const std::string& name : topics) {
    const TopicInfo* topic = core_.metadata().FindTopic(name);
    const auto before = counts_.find(name);
    if (topic != nullptr && !topic->partitions.empty()) {
      counts[name] = static_cast<int32_t>(topic->partitions.size());
    } else if (topic != nullptr && topic->unknown_in_a_row < kUnknownInARow && before != counts_.end()) {
      counts[name] = before->second;
    }
  }
  return counts;
}

void GroupSession::OnMetadata() {
  const bool was_idle = state_.phase() == GroupState::Phase::kIdle;
  if (pattern_.has_value()) {
    std::vector<std::string> matching = MatchingTopics();
    if (was_idle || matching != topics_) {
      topics_ = std::move(matching);
      state_.WantJoin();
    }
  }
  if (is_leader_ && state_.phase() == GroupState::Phase::kStable && CountsOf(group_topics_) != counts_) {
    state_.WantJoin();
  }
  PumpSoon();
}

std::optional<GroupTask> GroupSession::TakeTask() {
  absl::MutexLock lock(&mu_);
  return std::exchange(task_, std::nullopt);
}

void GroupSession::Prepared(int64_t task, std::vector<TopicPartition> owned) {
  core_.loop().Post(lifetime_.Guard([this, task, owned = std::move(owned)]() mutable {
    if (task == state_.task()) {
      owned_ = std::move(owned);
    }
    state_.Prepared(task, !owned_.empty());
    Pump();
  }));
}

void GroupSession::JoinAgain() {
  core_.loop().Post(lifetime_.Guard([this] {
    state_.WantJoin();
    Pump();
  }));
}

void GroupSession::LeavePoll() {
  last_poll_ns_.store(absl::ToInt64Nanoseconds(MonotonicNow()), std::memory_order_relaxed);
}

absl::Duration GroupSession::PollDeadline() const {
  const int64_t last = last_poll_ns_.load(std::memory_order_relaxed);
  return last == kInPoll ? absl::InfiniteDuration() : absl::Nanoseconds(last) + poll_interval_max_;
}

void GroupSession::CheckPoll(absl::Duration now) {
  if (now < PollDeadline() || !state_.is_member()) {
    return;
  }
  state_.OnPollTooLate();
  SetError(absl::DeadlineExceededError(
      absl::StrCat(GroupName(), ": Poll was not called for ", absl::FormatDuration(poll_interval_max_),
                   ", so the member left and others read its partitions; work on fewer records at a time, "
                   "or raise poll_interval_max")));
}

absl::Status GroupSession::Commit(std::vector<GroupOffset> offsets, absl::Duration timeout) {
  struct Waiting {
    absl::Notification done;
    absl::Status status;
  };
  // Shared with the callback, which may come after the wait was given up.
  auto waiting = std::make_shared<Waiting>();
  core_.loop().Post(lifetime_.Guard([this, waiting, timeout, offsets = std::move(offsets)]() mutable {
    offsets_.Commit(std::move(offsets), true, MonotonicNow() + timeout,
                    [waiting](const absl::Status& status) {
                      waiting->status = status;
                      waiting->done.Notify();
                    });
  }));
  if (!waiting->done.WaitForNotificationWithTimeout(timeout + kGrace)) {
    return absl::DeadlineExceededError(absl::StrCat("commit for ", GroupName(), ": no answer within ",
                                                    absl::FormatDuration(timeout),
                                                    "; it may or may not have been kept"));
  }
  return waiting->status;
}

void GroupSession::CommitAsync(std::vector<GroupOffset> offsets, CommitCallback done) {
  core_.loop().Post(lifetime_.Guard([this, offsets = std::move(offsets), done = std::move(done)]() mutable {
    offsets_.Commit(std::move(offsets), false, MonotonicNow() + core_.request_timeout(),
                    [this, done = std::move(done)](const absl::Status& status) {
                      SetError(status);
                      if (done) {
                        done(status);
                      }
                    });
  }));
}

absl::StatusOr<std::vector<GroupOffset>> GroupSession::Committed(std::vector<TopicPartition> partitions) {
  absl::StatusOr<std::vector<GroupOffset>> found;
  absl::Notification done;
  core_.loop().Post([&] {
    offsets_.Fetch(partitions, MonotonicNow() + core_.request_timeout(),
                   [&](absl::StatusOr<std::vector<GroupOffset>> offsets) {
                     found = std::move(offsets);
                     done.Notify();
                   });
  });
  done.WaitForNotification();
  RETURN_IF_ERROR(found.status());
  std::vector<GroupOffset> answers;
  for (TopicPartition& partition : partitions) {
    const auto offset = std::find_if(found->begin(), found->end(), [&](const GroupOffset& one) {
      return one.topic == partition.topic && one.partition == partition.partition;
    });
    answers.push_back(offset != found->end() ? *offset
                                             : GroupOffset{.topic = std::move(partition.topic),
                                                           .partition = partition.partition});
  }
  return answers;
}

void GroupSession::Leave(absl::Duration timeout) {
  auto left = std::make_shared<absl::Notification>();  // Shared with an answer that may come too late.
  core_.loop().Post(lifetime_.Guard([this, left, timeout] {
    const bool leaves = !state_.member_id().empty() && options_.group_instance_id.empty() &&
                        coordinator_->node().has_value() && timeout > absl::ZeroDuration();
    if (leaves) {
      // Before the channel closes: what fails then makes the coordinator unknown.
      SendLeave(state_.member_id(), timeout, [left] { left->Notify(); });
    } else {
      left->Notify();
    }
    state_.Stop();
    ++round_;
    core_.CloseChannel(std::exchange(channel_, core_.NewChannel()));
    owned_.clear();
    owned_generation_ = -1;
    is_leader_ = false;
    pattern_.reset();
    Publish();
  }));
  left->WaitForNotificationWithTimeout(timeout + kGrace);
}

GroupMembership GroupSession::membership() const {
  absl::MutexLock lock(&mu_);
  return membership_;
}

absl::Status GroupSession::LastError() const {
  absl::MutexLock lock(&mu_);
  return last_error_;
}

void GroupSession::SetError(const absl::Status& status) {
  absl::MutexLock lock(&mu_);
  last_error_ = status;
}

absl::StatusOr<MemberClaim> GroupSession::Claim() const {
  if (state_.phase() != GroupState::Phase::kIdle && !state_.is_member()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "commit for ", GroupName(),
        ": this consumer is not a member at the moment, so others may be reading its partitions; "
        "Poll joins it again"));
  }
  return MemberClaim{.member_id = state_.member_id(),
                     .instance_id = state_.is_member() ? instance_id() : std::nullopt,
                     .generation = state_.generation()};
}

std::optional<std::string> GroupSession::instance_id() const {
  return options_.group_instance_id.empty() ? std::nullopt : std::optional(options_.group_instance_id);
}

std::string GroupSession::GroupName() const {
  return absl::StrCat("group \"", options_.group_id, "\"");
}

}  // namespace sluice::client_internal
