// Groups of the consumer protocol (KIP-848), and how groups change from one protocol to the other. A change
// of the kind is one change of the log: what the group was goes in the same batch that brings what it is.
#include <utility>

#include "broker/group/consumer_records.h"
#include "broker/group/core/consumer/migration.h"
#include "broker/group/group_shard.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;

ConsumerHeartbeatAnswer NotFound(const std::string& message) {
  return {.error = ErrorCode::kGroupIdNotFound, .message = message};
}

void Append(const std::string& group, const std::vector<ConsumerRecord>& records,
            std::vector<GroupRecord>* to) {
  for (const ConsumerRecord& record : records) {
    to->push_back(ToGroupRecord(group, record));
  }
}

}  // namespace

std::vector<GroupRecord> GroupShard::Group::Tombstones() const {
  if (!consumer) {
    return {GroupTombstone(classic.id())};
  }
  std::vector<GroupRecord> records;
  Append(consumer->id(), consumer->Tombstones(), &records);
  return records;
}

void GroupShard::ConsumerHeartbeat(const std::string& group, const broker::ConsumerHeartbeat& request,
                                   OnConsumerHeartbeat done) {
  if (request.epoch == kJoinEpoch) {  // Who is in already is heard whatever waits.
    absl::ReleasableMutexLock lock(&mu_);
    if (const ErrorCode unfit = UnfitToWrite(); unfit != ErrorCode::kNone) {
      lock.Release();
      return done({.error = unfit});
    }
  }
  Change<ConsumerHeartbeatAnswer>(
      std::move(done),
      [&] {
        mu_.AssertHeld();
        return HeartbeatLocked(group, request);
      },
      [](ErrorCode error) { return ConsumerHeartbeatAnswer{.error = error}; });
}

ConsumerHeartbeatAnswer GroupShard::HeartbeatLocked(const std::string& group,
                                                    const broker::ConsumerHeartbeat& request) {
  Group* const found = Find(group);
  if (found != nullptr && found->consumer) {
    found->consumer->SetTimes(parts_.configs.TimesOf(group));
    ConsumerEffects effects;
    ConsumerHeartbeatAnswer answer = found->consumer->Heartbeat(request, parts_.topics, Now(), &effects);
    Settle(found, std::move(effects));
    return answer;
  }
  if (request.epoch != kJoinEpoch) {
    return NotFound(found == nullptr ? "there is no such group; join it first"
                                     : "the group speaks the classic protocol");
  }
  return found == nullptr || found->empty() ? JoinAsFirst(group, request) : JoinClassicGroup(found, request);
}

ConsumerLimits GroupShard::LimitsOf(const std::string& group) const {
  ConsumerLimits limits = parts_.consumer_limits;
  const ConsumerTimes times = parts_.configs.TimesOf(group);
  limits.session_timeout_ms = times.session_timeout_ms;
  limits.heartbeat_interval_ms = times.heartbeat_interval_ms;
  return limits;
}

// A group that nobody is in, or that there was not. Offsets that it has stay.
ConsumerHeartbeatAnswer GroupShard::JoinAsFirst(const std::string& group,
                                                const broker::ConsumerHeartbeat& request) {
  ConsumerGroup made(group, LimitsOf(group));
  ConsumerEffects effects;
  ConsumerHeartbeatAnswer answer = made.Heartbeat(request, parts_.topics, Now(), &effects);
  if (answer.error != ErrorCode::kNone) {
    return answer;
  }
  Group& joined = FindOrMake(group);
  std::vector<GroupRecord> before;
  if (joined.classic.state_changed_ms() >= 0) {
    before = joined.Tombstones();
  }
  joined.classic = ClassicGroup(group, parts_.limits);
  joined.consumer = std::move(made);
  Settle(&joined, std::move(effects), std::move(before));
  return answer;
}

ConsumerHeartbeatAnswer GroupShard::JoinClassicGroup(Group* group, const broker::ConsumerHeartbeat& request) {
  ConsumerEffects effects;
  std::optional<ConsumerGroup> upgraded =
      Upgrade(group->classic, LimitsOf(group->classic.id()), parts_.topics, Now(), &effects);
  if (!upgraded) {
    return NotFound(
        "the group speaks the classic protocol and cannot go over to this one: "
        "group.consumer.migration.policy forbids it, or its members are no consumers, or too many, or have "
        "an "
        "assignor of their own");
  }
  ConsumerHeartbeatAnswer answer = upgraded->Heartbeat(request, parts_.topics, Now(), &effects);
  if (answer.error != ErrorCode::kNone) {
    return answer;
  }
  ClassicEffects waiting;
  group->classic.AbandonWaiting(ErrorCode::kRebalanceInProgress, &waiting);
  std::vector<GroupRecord> before = group->Tombstones();
  Settle(group, std::move(waiting));
  group->classic = ClassicGroup(group->classic.id(), parts_.limits);
  group->consumer = std::move(upgraded);
  Settle(group, std::move(effects), std::move(before));
  return answer;
}

void GroupShard::Settle(Group* group, ConsumerEffects effects, std::vector<GroupRecord> before) {
  std::vector<GroupRecord> records = std::move(before);
  Append(group->consumer->id(), effects.records, &records);
  if (effects.downgrade) {
    std::vector<GroupRecord> gone = group->Tombstones();
    std::move(gone.begin(), gone.end(), std::back_inserter(records));
    ClassicEffects begun;  // Nobody waits yet, so nobody is answered.
    group->classic =
        ToClassicGroup(*group->consumer, *effects.downgrade, parts_.limits, parts_.topics, Now(), &begun);
    group->classic.SetStateChanged(parts_.clock.NowMs());
    group->consumer.reset();
    records.push_back(GroupMetadataRecord(group->classic.id(), group->classic.ToRecord()));
  }
  journal_->Write(std::move(records));
  SetAlarm(group);
}

void GroupShard::MakeClassicIfEmpty(Group* group) {
  if (group->consumer && group->empty()) {
    journal_->Write(group->Tombstones());
    group->classic = ClassicGroup(group->consumer->id(), parts_.limits);
    group->consumer.reset();
  }
}

JoinAnswer GroupShard::JoinConsumerGroup(Group* group, const JoinRequest& request) {
  if (request.session_timeout_ms < parts_.limits.session_timeout_ms_min ||
      request.session_timeout_ms > parts_.limits.session_timeout_ms_max) {
    JoinAnswer refusal;
    refusal.error = ErrorCode::kInvalidSessionTimeout;
    refusal.member_id = request.member_id;
    return refusal;
  }
  ConsumerEffects effects;
  JoinAnswer answer = group->consumer->Join(request, parts_.topics, Now(), &effects);
  Settle(group, std::move(effects));
  return answer;
}

void GroupShard::AnswerWhenKept(OnJoin done, JoinAnswer answer) {
  journal_->Answer([done = std::move(done), answer = std::move(answer)](bool kept) mutable {
    answer.error = kept ? answer.error : kLost;
    done(std::move(answer));
  });
}

void GroupShard::AnswerWhenKept(OnSync done, SyncAnswer answer) {
  journal_->Answer([done = std::move(done), answer = std::move(answer)](bool kept) mutable {
    answer.error = kept ? answer.error : kLost;
    done(std::move(answer));
  });
}

// A client that does not know of member epochs cannot be told that its own is old: it may not commit at all.
ErrorCode GroupShard::CheckCommit(Group* group, const MemberClaim& member,
                                  const std::vector<OffsetToCommit>& offsets, CommitDialect dialect) {
  if (!group->consumer) {
    return group->classic.CheckCommit(member, MonotonicMs());
  }
  const auto known = group->consumer->members().find(member.member_id);
  const bool has_epochs = known != group->consumer->members().end() && !known->second.is_classic();
  if (has_epochs && dialect == CommitDialect::kGenerations) {
    return ErrorCode::kUnsupportedVersion;
  }
  std::vector<TopicPartition> partitions;
  for (const OffsetToCommit& offset : offsets) {
    partitions.push_back(offset.at);
  }
  return group->consumer->CheckCommit(member, partitions, parts_.topics);
}

void GroupShard::DescribeConsumers(const std::string& group,
                                   absl::AnyInvocable<void(DescribedConsumerGroup)> done) {
  Change<DescribedConsumerGroup>(
      std::move(done),
      [&] {
        mu_.AssertHeld();
        return DescribeConsumersLocked(group);
      },
      [&](ErrorCode error) { return DescribedConsumerGroup{.error = error, .group_id = group}; });
}

DescribedConsumerGroup GroupShard::DescribeConsumersLocked(const std::string& group) {
  const Group* const found = Find(group);
  if (found == nullptr || !found->consumer) {
    return {.error = ErrorCode::kGroupIdNotFound, .group_id = group};
  }
  const ConsumerGroup& consumer = *found->consumer;
  DescribedConsumerGroup described{.group_id = group,
                                   .state = std::string(ConsumerGroupStateName(consumer.state())),
                                   .epoch = consumer.epoch(),
                                   .target_epoch = consumer.target_epoch(),
                                   .assignor = consumer.PreferredAssignor()};
  for (const auto& [id, member] : consumer.members()) {
    described.members.push_back({.member_id = id,
                                 .subscription = *member.subscription,
                                 .epoch = member.current.epoch,
                                 .assigned = ListOf(member.current.assigned),
                                 .target = member.target});
  }
  return described;
}

}  // namespace sluice::broker
