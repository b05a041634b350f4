// What a member of a classic group is doing, as a pure state machine: answers and the time go in, what to
// send next and what the application has to do come out. group_session.h has the network around it.
//
//               Prepared              joined              synced
//   kPreparing ----------> kJoining ----------> kSyncing ----------> kStable
//       ^                                                               |
//       +------- the group rebalances, or has forgotten the member -----+
//
// Twice it is the application's turn, from inside Poll: in kPreparing it commits and gives partitions back
// before the member joins (the group waits, heartbeats go on), and in kStable it takes its new ones. A task
// has a number; who comes with an older one than the current is not heard.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "proto/kafka/error_code.h"

namespace sluice::client_internal {

// What an error code of JoinGroup, SyncGroup, Heartbeat or OffsetCommit means to a member.
enum class GroupEffect {
  kNone,
  kRetry,      // The same again, a little later.
  kLookUp,     // Another broker is the coordinator.
  kTakeId,     // A first JoinGroup: come again with the id that the answer gives.
  kRebalance,  // Join again; what the member has, it keeps until then.
  kForgotten,  // The group does not know the member, or not in this generation: its partitions are lost.
  kFatal,
};
GroupEffect EffectOf(kafka::ErrorCode code);

class GroupState {
 public:
  struct Options {
    absl::Duration heartbeat_interval;
    absl::Duration retry_backoff = absl::Milliseconds(100);
    absl::Duration retry_backoff_max = absl::Seconds(1);
    bool is_static = false;
  };
  enum class Phase { kIdle, kPreparing, kJoining, kSyncing, kStable, kFailed };
  enum class Send { kNothing, kJoin, kSync, kHeartbeat, kLeave };
  enum class Request { kJoin, kSync, kHeartbeat };

  explicit GroupState(const Options& options) : options_(options) {}

  Phase phase() const { return phase_; }
  int64_t task() const { return task_; }
  // In kPreparing: the partitions are not the member's any more, rather than its own to give back.
  bool lost() const { return lost_; }
  bool is_member() const { return generation_ >= 0; }
  int32_t generation() const { return generation_; }
  const std::string& member_id() const { return member_id_; }
  const std::string& leaving_id() const { return leaving_id_; }  // Whom kLeave is about.

  // The request that is due, which then is under way until its answer is told. kLeave has none.
  Send Next(absl::Duration now);
  // When Next is worth asking again without an event.
  absl::Duration NextAt() const;

  // The member wants to join, or to join again: a new subscription, other partitions, a second round.
  void WantJoin();
  // The application has given back what it had to; `owns`: and has something left.
  void Prepared(int64_t task, bool owns);
  // It hung: others shall read its partitions.
  void OnPollTooLate();
  // What it was given cannot be read.
  void Fail();
  // It unsubscribed or closes: nothing is sent from now on, and no answer is to be told any more.
  void Stop();

  void OnJoined(absl::Duration now, kafka::ErrorCode code, const std::string& member_id, int32_t generation);
  void OnSynced(absl::Duration now, kafka::ErrorCode code);
  void OnHeartbeat(absl::Duration now, kafka::ErrorCode code);
  // A commit's answer may be the first to tell that the group has moved on.
  void OnCommitted(kafka::ErrorCode code);
  // No answer came.
  void OnNoAnswer(absl::Duration now);

 private:
  void NewTask(Phase phase);
  void Forget();
  void BackOff(absl::Duration now);
  // For what is the same in all answers.
  void Apply(GroupEffect effect, absl::Duration now);

  const Options options_;
  Phase phase_ = Phase::kIdle;
  int64_t task_ = 0;
  bool lost_ = false;
  bool owns_ = false;  // As the application said when it prepared.
  bool leave_ = false;
  bool under_way_ = false;
  std::string leaving_id_;
  std::string member_id_;
  int32_t generation_ = -1;
  absl::Duration heartbeat_at_ = -absl::InfiniteDuration();
  absl::Duration not_before_ = -absl::InfiniteDuration();
  int failures_ = 0;
};

}  // namespace sluice::client_internal
