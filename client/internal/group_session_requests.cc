// The loop's half of a membership: sends what the state machine wants, and judges the answers.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/internal/group_session.h"
#include "client/internal/status.h"
#include "proto/kafka/gen/heartbeat.h"
#include "proto/kafka/gen/leave_group.h"

namespace sluice::client_internal {
namespace {

using kafka::ErrorCode;
using kafka::ToWire;

constexpr char kProtocolType[] = "consumer";
// A join is answered when all have come, at the latest after the rebalance timeout.
constexpr absl::Duration kJoinGrace = absl::Seconds(5);
// One member a request; from version 3 on there may be several, elsewhere in the message.
constexpr int16_t kOneLeaves = 2;

absl::string_view AdviceFor(ErrorCode code) {
  switch (code) {
    case ErrorCode::kFencedInstanceId:
      return "another consumer came with the same group_instance_id: give each running one its own";
    case ErrorCode::kInconsistentGroupProtocol:
      return "no assignor of this consumer is one that all members of the group know, or the group is none "
             "of "
             "consumers; see `sluice group describe`";
    case ErrorCode::kInvalidSessionTimeout:
      return "choose a session_timeout between the broker's group.min.session.timeout.ms and "
             "group.max.session.timeout.ms";
    case ErrorCode::kGroupMaxSizeReached:
      return "the group has as many members as the broker's group.max.size allows";
    default:
      return "";
  }
}

}  // namespace

template <class Work>
auto GroupSession::InRound(Work work) {
  return lifetime_.Guard([this, round = round_, work = std::move(work)](auto&&... args) mutable {
    if (round == round_) {
      work(std::forward<decltype(args)>(args)...);
    }
  });
}

void GroupSession::PumpSoon() {
  core_.loop().Post(lifetime_.Guard([this] { Pump(); }));
}

void GroupSession::Pump() {
  const absl::Duration now = MonotonicNow();
  CheckPoll(now);
  for (;;) {
    switch (state_.Next(now)) {
      case GroupState::Send::kJoin:
        SendJoin();
        continue;
      case GroupState::Send::kSync:
        StartSync();
        continue;
      case GroupState::Send::kHeartbeat:
        SendHeartbeat();
        continue;
      case GroupState::Send::kLeave:
        SendLeave(state_.leaving_id(), core_.request_timeout(), [] {});
        continue;
      case GroupState::Send::kNothing:
        break;
    }
    break;
  }
  Publish();
  SetTimer(state_.is_member() ? std::min(state_.NextAt(), PollDeadline()) : state_.NextAt());
}

void GroupSession::SetTimer(absl::Duration at) {
  if (at == absl::InfiniteDuration()) {
    timer_.cancel();
    return;
  }
  timer_.expires_after(absl::ToChronoNanoseconds(std::max(at - MonotonicNow(), absl::ZeroDuration())));
  timer_.async_wait(lifetime_.Guard([this](const asio::error_code& error) {
    if (!error) {
      Pump();
    }
  }));
}

// Tells the application's thread what there is to do for it, once.
void GroupSession::Publish() {
  {
    absl::MutexLock lock(&mu_);
    membership_ = {.group_id = options_.group_id,
                   .member_id = state_.member_id(),
                   .instance_id = options_.group_instance_id,
                   .generation = state_.generation()};
    if (state_.phase() == GroupState::Phase::kIdle) {
      task_.reset();
    }
  }
  if (offered_ == state_.task()) {
    return;
  }
  if (state_.phase() == GroupState::Phase::kPreparing) {
    Offer({.kind = GroupTask::Kind::kPrepare, .number = state_.task(), .lost = state_.lost()});
  } else if (state_.phase() == GroupState::Phase::kFailed) {
    Offer({.kind = GroupTask::Kind::kFail, .number = state_.task(), .status = fatal_});
  }
}

void GroupSession::Offer(GroupTask task) {
  offered_ = task.number;
  {
    absl::MutexLock lock(&mu_);
    task_ = std::move(task);
  }
  news_();
}

void GroupSession::Judge(ErrorCode code, absl::string_view what) {
  if (EffectOf(code) == GroupEffect::kLookUp) {
    coordinator_->Forget();
  }
  if (code == ErrorCode::kNone || code == ErrorCode::kMemberIdRequired ||
      code == ErrorCode::kRebalanceInProgress) {
    SetError(absl::OkStatus());
    return;
  }
  const absl::Status status = KafkaStatus(code, absl::StrCat(what, " of ", GroupName()), {}, AdviceFor(code));
  SetError(status);
  if (state_.phase() == GroupState::Phase::kFailed && fatal_.ok()) {
    fatal_ = status;
  }
}

void GroupSession::NoAnswer(const absl::Status& why) {
  SetError(Annotated(why, GroupName()));
  state_.OnNoAnswer(MonotonicNow());
  core_.metadata().RefreshSoon();
  PumpSoon();
}

void GroupSession::SendJoin() {
  kafka::JoinGroupRequest request;
  request.group_id = options_.group_id;
  request.session_timeout_ms = static_cast<int32_t>(options_.session_timeout.count());
  request.rebalance_timeout_ms = static_cast<int32_t>(absl::ToInt64Milliseconds(rebalance_timeout_));
  request.member_id = state_.member_id();
  request.group_instance_id = instance_id();
  request.protocol_type = kProtocolType;
  joined_topics_ = topics_;
  join_metadata_.clear();
  join_metadata_.reserve(options_.assignors.size());
  for (const Assignor assignor : options_.assignors) {
    join_metadata_.push_back(
        EncodeSubscription({.topics = topics_, .owned = owned_, .generation = owned_generation_}, assignor));
    auto& protocol = request.protocols.emplace_back();
    protocol.name = NameOf(assignor);
    protocol.metadata = join_metadata_.back();
  }
  coordinator_->Call<kafka::JoinGroupRequest>(
      {.channel = channel_}, std::move(request),
      std::max(core_.request_timeout(), rebalance_timeout_ + kJoinGrace),
      InRound(
          [this](const absl::StatusOr<Answer<kafka::JoinGroupResponse>>& answer) { OnJoinAnswer(answer); }));
}

void GroupSession::OnJoinAnswer(const absl::StatusOr<Answer<kafka::JoinGroupResponse>>& answer) {
  if (!answer.ok()) {
    NoAnswer(answer.status());
    return;
  }
  const kafka::JoinGroupResponse& response = answer->message;
  const auto code = static_cast<ErrorCode>(response.error_code);
  state_.OnJoined(MonotonicNow(), code, response.member_id, response.generation_id);
  Judge(code, "join");
  if (code == ErrorCode::kNone) {
    TakeMembers(response);
  }
  PumpSoon();
}

void GroupSession::TakeMembers(const kafka::JoinGroupResponse& response) {
  protocol_ = response.protocol_name.value_or("");
  is_leader_ = response.leader == response.member_id;
  keep_assignment_ = response.skip_assignment;
  members_.clear();
  group_topics_.clear();
  for (const auto& member : response.members) {
    absl::StatusOr<Subscription> subscription = DecodeSubscription(member.metadata);
    if (!subscription.ok()) {
      SetError(subscription.status());  // It gets nothing; the others shall not suffer from it.
      subscription.emplace();
    }
    group_topics_.insert(subscription->topics.begin(), subscription->topics.end());
    members_.push_back({member.member_id, member.group_instance_id.value_or(""), *std::move(subscription)});
  }
}

void GroupSession::StartSync() {
  if (!is_leader_) {
    SendSync({});
    return;
  }
  for (const std::string& topic : group_topics_) {
    core_.metadata().Watch(topic, false);
  }
  core_.metadata().Refresh(InRound([this](const absl::Status& refreshed) {
    if (!refreshed.ok()) {
      NoAnswer(refreshed);
      return;
    }
    counts_ = CountsOf(group_topics_);
    const std::optional<Assignor> assignor = AssignorOf(protocol_);
    const bool assigns = assignor.has_value() && !keep_assignment_;
    SendSync(assigns ? Assign(*assignor, std::exchange(members_, {}), counts_) : Assignments());
  }));
}

void GroupSession::SendSync(const Assignments& assignments) {
  kafka::SyncGroupRequest request;
  request.group_id = options_.group_id;
  request.generation_id = state_.generation();
  request.member_id = state_.member_id();
  request.group_instance_id = instance_id();
  request.protocol_type = kProtocolType;
  request.protocol_name = protocol_;
  sync_assignments_.clear();
  sync_assignments_.reserve(assignments.size());
  for (const auto& [member_id, partitions] : assignments) {
    sync_assignments_.push_back(EncodeAssignment(partitions));
    auto& assignment = request.assignments.emplace_back();
    assignment.member_id = member_id;
    assignment.assignment = sync_assignments_.back();
  }
  coordinator_->Call<kafka::SyncGroupRequest>(
      {.channel = channel_}, std::move(request),
      std::max(core_.request_timeout(), rebalance_timeout_ + kJoinGrace),
      InRound(
          [this](const absl::StatusOr<Answer<kafka::SyncGroupResponse>>& answer) { OnSyncAnswer(answer); }));
}

void GroupSession::OnSyncAnswer(const absl::StatusOr<Answer<kafka::SyncGroupResponse>>& answer) {
  if (!answer.ok()) {
    NoAnswer(answer.status());
    return;
  }
  const auto code = static_cast<ErrorCode>(answer->message.error_code);
  state_.OnSynced(MonotonicNow(), code);
  Judge(code, "sync");
  if (state_.phase() == GroupState::Phase::kStable) {
    absl::StatusOr<std::vector<TopicPartition>> assignment = DecodeAssignment(answer->message.assignment);
    if (assignment.ok()) {
      FetchOffsets(*std::move(assignment));
    } else {
      Fail(Annotated(assignment.status(), GroupName()));
    }
    if (joined_topics_ != topics_) {
      state_.WantJoin();
    }
  }
  PumpSoon();
}

// The application is told of its partitions together with where the group was in them.
void GroupSession::FetchOffsets(std::vector<TopicPartition> assignment) {
  std::vector<TopicPartition> added;
  std::set_difference(assignment.begin(), assignment.end(), owned_.begin(), owned_.end(),
                      std::back_inserter(added));
  offsets_.Fetch(std::move(added), absl::InfiniteDuration(),
                 InRound([this, task = state_.task(), generation = state_.generation(),
                          assignment = std::move(assignment)](
                             absl::StatusOr<std::vector<GroupOffset>> committed) mutable {
                   if (task != state_.task()) {
                     return;  // The group goes on already.
                   }
                   if (!committed.ok()) {
                     Fail(committed.status());
                     return;
                   }
                   owned_generation_ = generation;
                   Offer({.kind = GroupTask::Kind::kAssign,
                          .number = task,
                          .assignment = std::move(assignment),
                          .committed = *std::move(committed)});
                 }));
}

void GroupSession::Fail(const absl::Status& why) {
  state_.Fail();
  fatal_ = why;
  PumpSoon();
}

void GroupSession::SendHeartbeat() {
  kafka::HeartbeatRequest request;
  request.group_id = options_.group_id;
  request.generation_id = state_.generation();
  request.member_id = state_.member_id();
  request.group_instance_id = instance_id();
  const absl::Duration timeout =
      std::min(core_.request_timeout(), absl::FromChrono(options_.session_timeout));
  coordinator_->Call<kafka::HeartbeatRequest>(
      {.channel = channel_}, std::move(request), timeout,
      InRound([this](const absl::StatusOr<Answer<kafka::HeartbeatResponse>>& answer) {
        if (!answer.ok()) {
          NoAnswer(answer.status());
          return;
        }
        const auto code = static_cast<ErrorCode>(answer->message.error_code);
        state_.OnHeartbeat(MonotonicNow(), code);
        Judge(code, "heartbeat");
        PumpSoon();
      }));
}

void GroupSession::SendLeave(const std::string& member_id, absl::Duration timeout,
                             std::function<void()> done) {
  kafka::LeaveGroupRequest request;
  request.group_id = options_.group_id;
  request.member_id = member_id;
  // Whatever the answer: there is nothing left to do.
  coordinator_->Call<kafka::LeaveGroupRequest>(
      {.version_cap = kOneLeaves}, std::move(request), timeout,
      [done = std::move(done)](const absl::StatusOr<Answer<kafka::LeaveGroupResponse>>&) { done(); });
}

}  // namespace sluice::client_internal
