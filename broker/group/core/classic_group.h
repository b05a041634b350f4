// A group of the classic protocol (JoinGroup, SyncGroup, Heartbeat, LeaveGroup): the whole of its rules, as a
// state machine that knows neither clocks nor sockets nor disks. Times are milliseconds of the caller's
// monotonic clock.
//
//              join            all joined, or time is up        leader's assignment
//   Empty ------------> PreparingRebalance ------> CompletingRebalance ------> Stable
//     ^                    |        ^                       |                     |
//     |   nobody is left   |        +--- a member joins, leaves, is late ---------+
//     +--------------------+
//
//   ClassicEffects effects;
//   group.Join(request, token, now_ms, &effects);   // The answer is in effects, now or of a later event.
//   if (effects.store) { write group.ToRecord(); }  // ... before anyone is answered.
//   ... group.next_deadline_ms() ... group.OnTime(now_ms, &effects);
//
// Members are dynamic (an id for each process) or static (a group.instance.id that survives it, KIP-345). A
// dynamic member that is new is told its id first and comes again with it, so that retries of lost answers
// leave no ghosts (KIP-394). What members say to each other is opaque, but for the topics of protocol type
// "consumer".
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
#include "broker/group/core/classic_member.h"
#include "broker/group/core/classic_types.h"
#include "proto/kafka/gen/group_records.h"

namespace sluice::broker {

class ClassicGroup {
 public:
  ClassicGroup(std::string id, GroupLimits limits) : id_(std::move(id)), limits_(limits) {}

  // Answers `token` at once or with a later event.
  void Join(const JoinRequest& request, AnswerToken token, int64_t now_ms, ClassicEffects* effects);
  void Sync(const SyncRequest& request, AnswerToken token, int64_t now_ms, ClassicEffects* effects);
  kafka::ErrorCode Heartbeat(const MemberClaim& member, int64_t now_ms);
  kafka::ErrorCode Leave(const LeaveRequest& member, int64_t now_ms, ClassicEffects* effects);
  // May this member, or a consumer that is none (generation -1, no ids), commit offsets now?
  kafka::ErrorCode CheckCommit(const MemberClaim& member, int64_t now_ms);

  // What became due: members that were not heard of, rebalances whose time is up.
  void OnTime(int64_t now_ms, ClassicEffects* effects);
  // Not later than the next event of that kind; calling OnTime early does nothing. INT64_MAX: never.
  int64_t next_deadline_ms() const;

  // Answers everyone who waits with `error`: this coordinator lets go of the group.
  void AbandonWaiting(kafka::ErrorCode error, ClassicEffects* effects);
  void MarkDead() { state_ = GroupState::kDead; }

  // For a group of consumers that spoke another protocol (consumer/migration.h): it is stable in
  // `generation`, with these members and what they were assigned.
  void TakeOver(int32_t generation, std::vector<ClassicMember> members, int64_t now_ms);
  // Begins a rebalance, or goes on with the one that there is.
  void AskAllToJoin(int64_t now_ms, ClassicEffects* effects) { Rebalance(now_ms, effects); }

  // As kept in __consumer_offsets. A group that was loaded is Stable, its members have their full session
  // timeout.
  kafka::GroupMetadataValue ToRecord() const;
  void Load(const kafka::GroupMetadataValue& record, int64_t now_ms);
  // For offset expiry: when the group last became what it is, on the wall clock; -1: never stored.
  int64_t state_changed_ms() const { return state_changed_ms_; }
  void SetStateChanged(int64_t wall_ms) { state_changed_ms_ = wall_ms; }

  const std::string& id() const { return id_; }
  GroupState state() const { return state_; }
  int32_t generation() const { return generation_; }
  const std::string& protocol_type() const { return protocol_type_; }
  const std::optional<std::string>& protocol() const { return protocol_; }
  const std::string& leader() const { return leader_; }
  const std::map<std::string, ClassicMember>& members() const { return members_; }
  bool IsConsumerGroup() const { return protocol_type_ == "consumer"; }
  // Of a group of consumers: does a member read this topic? Nothing, where that cannot be told (a member's
  // bytes are not what consumers write): then every topic may be.
  std::optional<std::set<std::string>> SubscribedTopics() const;

 private:
  // classic_join.cc
  kafka::ErrorCode CheckJoin(const JoinRequest& request) const;
  bool HasRoomFor(const std::string& member_id) const;
  bool Supports(const JoinRequest& request) const;
  void JoinNew(const JoinRequest& request, AnswerToken token, int64_t now_ms, ClassicEffects* effects);
  void JoinAgain(const JoinRequest& request, AnswerToken token, int64_t now_ms, ClassicEffects* effects);
  void AddMember(const JoinRequest& request, const std::string& member_id, AnswerToken token, int64_t now_ms,
                 ClassicEffects* effects);
  void UpdateMember(ClassicMember* member, const JoinRequest& request, AnswerToken token, int64_t now_ms,
                    ClassicEffects* effects);
  void UpdateAndRebalance(ClassicMember* member, const JoinRequest& request, AnswerToken token,
                          int64_t now_ms, ClassicEffects* effects);
  void ReplaceStatic(const JoinRequest& request, AnswerToken token, int64_t now_ms, ClassicEffects* effects);
  ClassicMember* TakeOver(const JoinRequest& request, ClassicEffects* effects);
  JoinAnswer AnswerFor(const ClassicMember& member) const;

  // classic_rebalance.cc
  void Rebalance(int64_t now_ms, ClassicEffects* effects);
  void BeginRebalance(int64_t now_ms, ClassicEffects* effects);
  void CompleteIfAllJoined(int64_t now_ms, ClassicEffects* effects);
  void OnJoinTimeout(int64_t now_ms, ClassicEffects* effects);
  void CompleteJoin(int64_t now_ms, ClassicEffects* effects);
  void DropAbsent(ClassicEffects* effects);
  bool HasLeader();
  void NextGeneration();
  void AnswerJoins(int64_t now_ms, ClassicEffects* effects);
  void OnSyncTimeout(int64_t now_ms, ClassicEffects* effects);
  std::string ChooseProtocol() const;
  bool AllSupport(absl::string_view protocol) const;
  int32_t RebalanceTimeoutMs() const;
  void ExpireMembers(int64_t now_ms, ClassicEffects* effects);

  // classic_members.cc
  kafka::ErrorCode CheckMember(const std::string& member_id,
                               const std::optional<std::string>& instance_id) const;
  void HeardOf(ClassicMember* member, int64_t now_ms) {
    member->deadline_ms = now_ms + member->session_timeout_ms;
  }
  void Remove(const std::string& member_id, ClassicEffects* effects);
  void RemoveAndRebalance(const std::string& member_id, int64_t now_ms, ClassicEffects* effects);
  void AnswerSyncs(kafka::ErrorCode error, int64_t now_ms, ClassicEffects* effects);
  SyncAnswer AssignmentOf(const ClassicMember& member) const;
  static bool IsDue(const ClassicMember& member, int64_t now_ms);

  std::string id_;  // Set at construction.
  GroupLimits limits_;
  GroupState state_ = GroupState::kEmpty;
  std::string protocol_type_;
  std::optional<std::string> protocol_;
  int32_t generation_ = 0;
  std::string leader_;
  int64_t state_changed_ms_ = -1;

  std::map<std::string, ClassicMember> members_;  // In the order of their ids, so that all is repeatable.
  std::vector<std::string> join_order_;           // Member ids, the oldest first: who leads.
  absl::flat_hash_map<std::string, std::string> statics_;  // Instance id to member id.
  std::map<std::string, int64_t> pending_;  // Ids that were given out, and until when they hold.

  std::optional<int64_t>
      join_deadline_ms_;        // PreparingRebalance: whoever has not joined by then is left behind.
  bool initial_delay_ = false;  // It is the first rebalance: its deadline moves while members come.
  bool joined_meanwhile_ = false;
  int64_t initial_delay_left_ms_ = 0;
  std::optional<int64_t> sync_deadline_ms_;  // Whoever has not synced by then is removed.
};

}  // namespace sluice::broker
