#include "broker/group/group_shard.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "broker/group/group_loader.h"
#include "proto/base/check.h"

namespace sluice::broker {

using kafka::ErrorCode;

GroupShard::GroupShard(Parts parts) : parts_(std::move(parts)) {}

std::shared_ptr<GroupJournal> GroupShard::NewJournal() {
  // The journal tells which one it is: one that was replaced has nothing to say any more.
  auto self = std::make_shared<const GroupJournal*>(nullptr);
  auto journal = std::make_shared<GroupJournal>(
      GroupJournal::Parts{.partition = parts_.partition,
                          .pool = parts_.pool,
                          .clock = parts_.clock,
                          .on_failure = [weak = weak_from_this(), self](const absl::Status& status) {
                            if (const std::shared_ptr<GroupShard> shard = weak.lock()) {
                              shard->OnWriteFailed(*self, status);
                            }
                          }});
  *self = journal.get();
  return journal;
}

ErrorCode GroupShard::Unfit() const {
  switch (state_) {
    case State::kLoading:
      return ErrorCode::kCoordinatorLoadInProgress;
    case State::kClosed:
      return ErrorCode::kNotCoordinator;
    case State::kActive:
      break;
  }
  return ErrorCode::kNone;
}

// Every client knows the code, because Kafka gives it after each start, and comes again a little later.
ErrorCode GroupShard::UnfitToWrite() const {
  const ErrorCode unfit = Unfit();
  return unfit == ErrorCode::kNone && journal_->is_full() ? ErrorCode::kCoordinatorLoadInProgress : unfit;
}

GroupShard::Group* GroupShard::Find(const std::string& group) {
  const auto found = groups_.find(group);
  return found == groups_.end() ? nullptr : &found->second;
}

GroupShard::Group& GroupShard::FindOrMake(const std::string& group) {
  return groups_.try_emplace(group, ClassicGroup(group, parts_.limits)).first->second;
}

void GroupShard::Join(const std::string& group, const JoinRequest& request, OnJoin done) {
  absl::ReleasableMutexLock lock(&mu_);
  JoinAnswer refusal;
  refusal.member_id = request.member_id;
  refusal.error = UnfitToWrite();
  if (refusal.error == ErrorCode::kNone && !request.member_id.empty() &&
      (Find(group) == nullptr || !Find(group)->knows_members())) {
    refusal.error = ErrorCode::kUnknownMemberId;
  }
  if (refusal.error != ErrorCode::kNone) {
    lock.Release();
    return done(std::move(refusal));
  }
  Group& joined = FindOrMake(group);
  MakeClassicIfEmpty(&joined);
  if (joined.consumer) {
    AnswerWhenKept(std::move(done), JoinConsumerGroup(&joined, request));
    lock.Release();
    return Flush();
  }
  joins_.emplace(++last_token_, std::move(done));
  ClassicEffects effects;
  joined.classic.Join(request, last_token_, MonotonicMs(), &effects);
  Settle(&joined, std::move(effects));
  ForgetIfDone(group);
  lock.Release();
  Flush();
}

void GroupShard::Sync(const std::string& group, const SyncRequest& request, OnSync done) {
  absl::ReleasableMutexLock lock(&mu_);
  SyncAnswer refusal{.error = Unfit()};
  Group* const found = Find(group);
  if (refusal.error == ErrorCode::kNone && found == nullptr) {
    refusal.error = ErrorCode::kUnknownMemberId;
  }
  if (refusal.error != ErrorCode::kNone) {
    lock.Release();
    return done(std::move(refusal));
  }
  if (found->consumer) {
    AnswerWhenKept(std::move(done), found->consumer->Sync(request, parts_.topics, Now()));
    SetAlarm(found);
    lock.Release();
    return Flush();
  }
  syncs_.emplace(++last_token_, std::move(done));
  ClassicEffects effects;
  found->classic.Sync(request, last_token_, MonotonicMs(), &effects);
  Settle(found, std::move(effects));
  lock.Release();
  Flush();
}

void GroupShard::Heartbeat(const std::string& group, const MemberClaim& member, OnError done) {
  Change<ErrorCode>(
      std::move(done),
      [&] {
        mu_.AssertHeld();
        Group* const found = Find(group);
        if (found == nullptr) {
          return ErrorCode::kUnknownMemberId;
        }
        if (!found->consumer) {
          return found->classic.Heartbeat(member, MonotonicMs());
        }
        ConsumerEffects effects;
        const ErrorCode error = found->consumer->ClassicHeartbeat(member, parts_.topics, Now(), &effects);
        Settle(found, std::move(effects));
        return error;
      },
      [](ErrorCode error) { return error; });
}

void GroupShard::Leave(const std::string& group, const std::vector<LeaveRequest>& members, OnErrors done) {
  using Answer = std::pair<ErrorCode, std::vector<ErrorCode>>;
  Change<Answer>(
      [done = std::move(done)](Answer answer) mutable { done(answer.first, std::move(answer.second)); },
      [&]() -> Answer {
        mu_.AssertHeld();
        Group* const found = Find(group);
        if (found == nullptr) {
          return {ErrorCode::kNone, std::vector<ErrorCode>(members.size(), ErrorCode::kUnknownMemberId)};
        }
        if (found->consumer) {
          ConsumerEffects effects;
          std::vector<ErrorCode> each = found->consumer->Leave(members, parts_.topics, Now(), &effects);
          Settle(found, std::move(effects));
          return {ErrorCode::kNone, std::move(each)};
        }
        std::vector<ErrorCode> each;
        ClassicEffects effects;
        for (const LeaveRequest& member : members) {
          each.push_back(found->classic.Leave(member, MonotonicMs(), &effects));
        }
        Settle(found, std::move(effects));
        return {ErrorCode::kNone, std::move(each)};
      },
      [](ErrorCode error) {
        return Answer{error, {}};
      });
}

// Answers are given in the order in which they stand here, each when what was written before it is durable.
void GroupShard::Settle(Group* group, ClassicEffects effects) {
  if (effects.store) {
    group->classic.SetStateChanged(parts_.clock.NowMs());
    journal_->Write({GroupMetadataRecord(group->classic.id(), group->classic.ToRecord())});
  }
  for (auto& [token, answer] : effects.joins) {
    const auto waiting = joins_.find(token);
    journal_->Answer([done = std::move(waiting->second), answer = std::move(answer)](bool kept) mutable {
      answer.error = kept ? answer.error : kLost;
      done(std::move(answer));
    });
    joins_.erase(waiting);
  }
  for (auto& [token, answer] : effects.syncs) {
    const auto waiting = syncs_.find(token);
    journal_->Answer([done = std::move(waiting->second), answer = std::move(answer)](bool kept) mutable {
      answer.error = kept ? answer.error : kLost;
      done(std::move(answer));
    });
    syncs_.erase(waiting);
  }
  SetAlarm(group);
}

void GroupShard::SetAlarm(Group* group) {
  const int64_t next_ms = group->next_deadline_ms();
  if (next_ms == group->alarm_ms) {
    return;
  }
  const std::string& id = group->classic.id();
  alarms_.erase({group->alarm_ms, id});
  group->alarm_ms = next_ms;
  if (next_ms != INT64_MAX) {
    alarms_.emplace(next_ms, id);
    parts_.on_alarm(next_ms);
  }
}

int64_t GroupShard::next_deadline_ms() const {
  absl::MutexLock lock(&mu_);
  return alarms_.empty() ? INT64_MAX : alarms_.begin()->first;
}

// Heartbeats only push deadlines back, so an alarm may come early: the group then says when to come again.
void GroupShard::OnTime(int64_t now_ms) {
  {
    absl::MutexLock lock(&mu_);
    while (state_ == State::kActive && !alarms_.empty() && alarms_.begin()->first <= now_ms) {
      const std::string id = alarms_.begin()->second;
      Group& group = groups_.at(id);
      alarms_.erase(alarms_.begin());
      group.alarm_ms = INT64_MAX;
      if (group.consumer) {
        ConsumerEffects effects;
        group.consumer->OnTime(parts_.topics, {now_ms, parts_.clock.NowMs()}, &effects);
        Settle(&group, std::move(effects));
        continue;
      }
      ClassicEffects effects;
      group.classic.OnTime(now_ms, &effects);
      Settle(&group, std::move(effects));
      ForgetIfDone(id);
    }
  }
  Flush();
}

void GroupShard::Forget(Groups::iterator group) {
  alarms_.erase({group->second.alarm_ms, group->first});
  groups_.erase(group);
}

// A group that nobody has written down and nobody is in: someone asked to join and was refused, or gave up.
void GroupShard::ForgetIfDone(const std::string& group) {
  const auto found = groups_.find(group);
  const ClassicGroup& classic = found->second.classic;
  if (!found->second.consumer && classic.state() == GroupState::kEmpty && classic.state_changed_ms() < 0 &&
      found->second.offsets.empty() && classic.next_deadline_ms() == INT64_MAX) {
    Forget(found);
  }
}

void GroupShard::Flush() {
  std::shared_ptr<GroupJournal> journal;
  {
    absl::MutexLock lock(&mu_);
    journal = journal_;
  }
  if (journal != nullptr) {
    journal->Flush();
  }
}

void GroupShard::Reset(ErrorCode error) {
  for (auto& [id, group] : groups_) {
    ClassicEffects effects;
    group.classic.AbandonWaiting(error, &effects);
    for (auto& [token, answer] : effects.joins) {
      journal_->Answer([done = std::move(joins_.at(token)), answer = std::move(answer)](bool) mutable {
        done(std::move(answer));
      });
    }
    for (auto& [token, answer] : effects.syncs) {
      journal_->Answer([done = std::move(syncs_.at(token)), answer = std::move(answer)](bool) mutable {
        done(std::move(answer));
      });
    }
  }
  joins_.clear();
  syncs_.clear();
  alarms_.clear();
  groups_.clear();
}

void GroupShard::Close() {
  {
    absl::MutexLock lock(&mu_);
    if (state_ == State::kActive) {
      Reset(ErrorCode::kNotCoordinator);
    }
    state_ = State::kClosed;
  }
  Flush();
}

void GroupShard::OnWriteFailed(const GroupJournal* journal, const absl::Status& status) {
  {
    absl::MutexLock lock(&mu_);
    if (state_ != State::kActive || journal_.get() != journal) {
      return;
    }
    Reset(kLost);
    state_ = State::kLoading;
  }
  Flush();
  if (parts_.logger != nullptr) {
    parts_.logger->Error(
        "group", absl::StrCat("__consumer_offsets-", parts_.partition->id().value(),
                              " took no record, so its groups are read from it anew: ", status.message()));
  }
  parts_.pool.Post([shard = shared_from_this()] { shard->Load(); });
}

void GroupShard::Load() {
  GroupLoader loader(parts_.limits, parts_.consumer_limits, Now());
  const absl::Status read = loader.Read(*parts_.partition);
  absl::MutexLock lock(&mu_);
  if (state_ != State::kLoading) {
    return;
  }
  if (!read.ok()) {  // Stays unfit: its log is offline until the next start.
    if (parts_.logger != nullptr) {
      parts_.logger->Error("group",
                           absl::StrCat("the groups of __consumer_offsets-", parts_.partition->id().value(),
                                        " cannot be read: ", read.message()));
    }
    return;
  }
  for (auto& [id, loaded] : loader.Take()) {
    Group& group = groups_.try_emplace(id, std::move(loaded.classic)).first->second;
    group.offsets = std::move(loaded.offsets);
    group.consumer = std::move(loaded.consumer);
  }
  journal_ = NewJournal();
  state_ = State::kActive;
  for (auto& [id, group] : groups_) {
    SetAlarm(&group);
  }
}

}  // namespace sluice::broker
