// A group of the consumer protocol (KIP-848): the whole of its rules, as a state machine that knows neither
// clocks nor sockets nor disks. Members send heartbeats; the group decides who has what.
//
//   group epoch    rises when a member comes, goes or subscribes otherwise, and when its topics change
//   target         who shall have what, computed for a group epoch; the target epoch says for which
//   member epoch   the target that a member has arrived at, as far as others let it (reconcile.h)
//
//   ConsumerEffects effects;
//   answer = group.Heartbeat(request, topics, now, &effects);
//   ... write effects.records, then answer ... group.next_deadline_ms() ... group.OnTime(now, &effects);
//
// Every change is a record that is applied (Apply) and handed out to be written, so what a later run makes of
// the records is what this one has. Deadlines alone are not written: members that are loaded have their full
// time.
//
// Members of the classic protocol may be among them (classic_side.cc): their JoinGroup is a heartbeat that
// joins, their member epoch is the generation that they are told, and a heartbeat of theirs is answered with
// REBALANCE_IN_PROGRESS whenever there is a next step for them.
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "broker/group/core/classic_types.h"
#include "broker/group/core/consumer/consumer_member.h"
#include "broker/group/core/consumer/consumer_types.h"
#include "broker/group/core/consumer/topic_view.h"
#include "broker/group/core/group_offsets.h"

namespace sluice::broker {

class ConsumerGroup {
 public:
  using Members = std::map<std::string, ConsumerMember>;

  ConsumerGroup(std::string id, ConsumerLimits limits) : id_(std::move(id)), limits_(std::move(limits)) {}

  // Hold from the next heartbeats on.
  void SetTimes(const ConsumerTimes& times) {
    limits_.session_timeout_ms = times.session_timeout_ms;
    limits_.heartbeat_interval_ms = times.heartbeat_interval_ms;
  }

  // What is wrong with a request in itself, whatever the group; kNone when nothing. Kafka checks as much.
  static ConsumerHeartbeatAnswer CheckRequest(const ConsumerHeartbeat& request, int16_t version,
                                              const ConsumerLimits& limits);

  ConsumerHeartbeatAnswer Heartbeat(const ConsumerHeartbeat& request, const TopicView& topics,
                                    const GroupTime& now, ConsumerEffects* effects);

  // Of members that speak the classic protocol. Answered at once.
  JoinAnswer Join(const JoinRequest& request, const TopicView& topics, const GroupTime& now,
                  ConsumerEffects* effects);
  SyncAnswer Sync(const SyncRequest& request, const TopicView& topics, const GroupTime& now);
  kafka::ErrorCode ClassicHeartbeat(const MemberClaim& member, const TopicView& topics, const GroupTime& now,
                                    ConsumerEffects* effects);
  std::vector<kafka::ErrorCode> Leave(const std::vector<LeaveRequest>& members, const TopicView& topics,
                                      const GroupTime& now, ConsumerEffects* effects);

  // May this member commit offsets of these partitions? An epoch that it has left behind is good for those
  // that it had then and has still.
  kafka::ErrorCode CheckCommit(const MemberClaim& member, const std::vector<TopicPartition>& partitions,
                               const TopicView& topics) const;
  // ... or ask for them? Whoever names neither a member nor an epoch is none.
  kafka::ErrorCode CheckFetch(const std::optional<std::string>& member_id, int32_t epoch) const;

  // What became due: members that were not heard of, that do not give partitions up, do not join again.
  void OnTime(const TopicView& topics, const GroupTime& now, ConsumerEffects* effects);
  // Not later than the next event of that kind; calling OnTime early does nothing. INT64_MAX: never.
  int64_t next_deadline_ms() const;

  // One record of those that the group was written down as, in the order of the log.
  void Apply(const ConsumerRecord& record);
  // All were applied. Members have their full time from now on.
  void FinishLoading(const GroupTime& now);
  // Makes members of them who stand where a classic group's generation left them, with that as the epoch.
  void TakeOver(int32_t generation, const std::map<std::string, MemberSubscription>& members,
                const std::map<std::string, PartitionList>& assignments, const TopicView& topics,
                const GroupTime& now, ConsumerEffects* effects);
  // What takes the whole group out of the log.
  std::vector<ConsumerRecord> Tombstones() const;

  const std::string& id() const { return id_; }
  ConsumerGroupState state() const;
  bool exists() const { return group_.epoch > 0; }  // Else nobody was let in yet.
  int32_t epoch() const { return group_.epoch; }
  int32_t target_epoch() const { return target_.epoch; }
  const Members& members() const { return members_; }
  const std::map<std::string, ResolvedRegex>& regexes() const { return regexes_; }
  // The one that most members ask for, or the default.
  std::string PreferredAssignor() const;
  // By name or through a regular expression, by any member.
  std::set<std::string> SubscribedNames() const;

 private:
  struct Refusal {
    kafka::ErrorCode error = kafka::ErrorCode::kNone;
    std::string message = {};
    bool ok() const { return error == kafka::ErrorCode::kNone; }
  };
  static ConsumerHeartbeatAnswer ToAnswer(Refusal refusal);

  // heartbeat.cc
  ConsumerHeartbeatAnswer Leave(const ConsumerHeartbeat& request, const TopicView& topics,
                                const GroupTime& now, ConsumerEffects* effects);
  // A member says who it is now. True when its subscription is another one, so that the target must be, too.
  bool Subscribe(const std::string& member_id, MemberSubscription subscription, ConsumerEffects* effects);
  // What follows from that for the group: its topics, its epoch, its target.
  void UpdateGroup(bool bump, const TopicView& topics, const GroupTime& now, ConsumerEffects* effects);
  // ... and for the member.
  void Step(const std::string& member_id, const std::optional<PartitionList>& owned, const GroupTime& now,
            ConsumerEffects* effects);

  // membership.cc
  Refusal CheckRoom(const std::string& member_id) const;
  Refusal CheckMember(const ConsumerHeartbeat& request) const;
  Refusal CheckEpoch(const ConsumerMember& member, const ConsumerHeartbeat& request) const;
  Refusal CheckRegex(const ConsumerHeartbeat& request) const;
  Refusal CheckStatic(const std::string& instance_id, const std::string& member_id) const;
  const std::string* OwnerOf(const std::optional<std::string>& instance_id) const;
  void ReplaceStatic(const std::string& old_id, const std::string& new_id, ConsumerEffects* effects);
  void Remove(const std::string& member_id, ConsumerEffects* effects);
  void Fence(const std::set<std::string>& member_ids, const TopicView& topics, const GroupTime& now,
             ConsumerEffects* effects);
  bool CanDowngradeWithout(const std::set<std::string>& member_ids) const;

  // subscriptions.cc
  bool ResolveRegexes(const TopicView& topics, const GroupTime& now, ConsumerEffects* effects);
  bool MustResolve(const TopicView& topics, const GroupTime& now) const;
  void ForgetRegexes(ConsumerEffects* effects);
  std::set<std::string> UsedRegexes() const;
  std::vector<std::string> NamesOf(const MemberSubscription& subscription) const;
  void LearnTopics(const TopicView& topics);
  bool Subscribes(const ConsumerMember& member, const Uuid& topic) const;
  int64_t MetadataHashNow() const;
  void BumpEpoch(const GroupTime& now, ConsumerEffects* effects);
  void UpdateTarget(const GroupTime& now, ConsumerEffects* effects);

  // classic_side.cc
  Refusal CheckJoin(const JoinRequest& request) const;
  bool SupportsClassic(const JoinRequest& request) const;
  Refusal CheckClassic(const MemberClaim& claim) const;
  bool WaitsForOthers(const ConsumerMember& member) const;
  void AwaitJoin(ConsumerMember* member, const GroupTime& now) const;

  // consumer_state.cc
  void Emit(ConsumerRecord record, ConsumerEffects* effects);
  void ApplyRecord(const GroupEpochRecord& record);
  void ApplyRecord(const MemberSubscriptionRecord& record);
  void ApplyRecord(const TargetEpochRecord& record);
  void ApplyRecord(const TargetAssignmentRecord& record);
  void ApplyRecord(const MemberAssignmentRecord& record);
  void ApplyRecord(const RegexRecord& record);
  void SetHolder(const std::string& member_id, const OwnedPartitions& partitions);
  void UnsetHolder(const std::string& member_id, const OwnedPartitions& partitions);
  void ForgetIfNothingIsLeft(const std::string& member_id);

  void HeardOf(ConsumerMember* member, const GroupTime& now) const;

  std::string id_;  // Set at construction.
  ConsumerLimits limits_;

  // As written down.
  GroupEpoch group_;
  TargetEpoch target_;
  Members members_;  // In the order of their ids, so that all is repeatable.
  std::map<std::string, ResolvedRegex> regexes_;

  // Made of that.
  absl::flat_hash_map<std::string, std::string> statics_;  // Instance id to member id.
  std::map<TopicIdPartition, std::string> holders_;        // Who has a partition or has not given it up yet.

  // Of this run: the topics that are subscribed to and exist, as of versions of the TopicView.
  std::map<std::string, TopicShape> topics_;
  absl::flat_hash_map<Uuid, std::string> topic_names_;
  std::optional<int64_t> topics_version_;
  std::optional<int64_t> regexes_version_;
  int64_t regexes_resolved_ms_ = 0;  // Monotonic.
};

}  // namespace sluice::broker
