// A consumer's membership of a classic group: what group_state.h decides, sent to the coordinator. The loop's
// thread does it; the application's thread is given tasks, which it does in Poll, and commits.
//
//   loop:  look up, join, sync, fetch offsets, heartbeat ...    app:  TakeTask -> give back, Prepared
//                                                                     TakeTask -> take over
//
// JoinGroup and Heartbeat have a channel of their own: a join waits for all members. Commits go over the
// control channel, so that they do not wait behind it.
#pragma once

#include <asio/steady_timer.hpp>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "client/internal/assignor.h"
#include "client/internal/coordinator.h"
#include "client/internal/group_offsets.h"
#include "client/internal/group_state.h"
#include "proto/kafka/gen/join_group.h"
#include "proto/kafka/gen/sync_group.h"
#include "sluice/group.h"
#include "sluice/options.h"

namespace sluice::client_internal {

// What the application's thread shall do.
struct GroupTask {
  enum class Kind {
    kPrepare,  // Give back what must be given back, then call Prepared.
    kAssign,   // This is what the member has now.
    kFail,     // The group does not want it; only a new subscription helps.
  };
  Kind kind = Kind::kPrepare;
  int64_t number = 0;
  bool lost = false;                            // kPrepare: it is gone already.
  std::vector<TopicPartition> assignment = {};  // kAssign: ordered, and
  std::vector<GroupOffset> committed = {};      // of those that are new, where something is.
  absl::Status status = {};
};

class GroupSession {
 public:
  // `news` runs on the loop's thread when there is a task. Made and destroyed on the application's thread,
  // which calls Leave before.
  GroupSession(Core& core, const ConsumerOptions& options, std::function<void()> news);
  ~GroupSession();

  // Application's thread.
  bool cooperative() const { return cooperative_; }
  void Subscribe(std::vector<std::string> topics);
  void SubscribePattern(std::regex pattern);
  std::optional<GroupTask> TakeTask();
  void Prepared(int64_t task, std::vector<TopicPartition> owned);
  void JoinAgain();
  // Between them the application is alive, whatever it waits for.
  void EnterPoll() { last_poll_ns_.store(kInPoll, std::memory_order_relaxed); }
  void LeavePoll();
  absl::Status Commit(std::vector<GroupOffset> offsets, absl::Duration timeout);
  void CommitAsync(std::vector<GroupOffset> offsets, CommitCallback done);
  absl::StatusOr<std::vector<GroupOffset>> Committed(std::vector<TopicPartition> partitions);
  // The member is out when this returns, at the latest after `timeout`, or is about to be dropped. Subscribe
  // may follow.
  void Leave(absl::Duration timeout);
  GroupMembership membership() const;
  absl::Status LastError() const;

 private:
  static constexpr int64_t kInPoll = std::numeric_limits<int64_t>::max();

  // Loop's thread.
  void Pump();
  void PumpSoon();
  void SetTimer(absl::Duration at);
  void CheckPoll(absl::Duration now);
  absl::Duration PollDeadline() const;
  void StartSubscription(std::vector<std::string> topics, std::optional<std::regex> pattern);
  void OnMetadata();
  std::vector<std::string> MatchingTopics() const;
  PartitionCounts CountsOf(const std::set<std::string>& topics) const;
  void SendJoin();
  void OnJoinAnswer(const absl::StatusOr<Answer<kafka::JoinGroupResponse>>& answer);
  void StartSync();
  void TakeMembers(const kafka::JoinGroupResponse& response);
  void SendSync(const Assignments& assignments);
  void OnSyncAnswer(const absl::StatusOr<Answer<kafka::SyncGroupResponse>>& answer);
  void FetchOffsets(std::vector<TopicPartition> assignment);
  void SendHeartbeat();
  void SendLeave(const std::string& member_id, absl::Duration timeout, std::function<void()> done);
  void Judge(kafka::ErrorCode code, absl::string_view what);
  void NoAnswer(const absl::Status& why);
  void Fail(const absl::Status& why);
  void SetError(const absl::Status& status);
  void Publish();
  void Offer(GroupTask task);
  absl::StatusOr<MemberClaim> Claim() const;
  std::optional<std::string> instance_id() const;
  std::string GroupName() const;
  // Runs only while the subscription is the one of now.
  template <class Work>
  auto InRound(Work work);

  Core& core_;
  const ConsumerOptions options_;
  const bool cooperative_;
  const absl::Duration poll_interval_max_;
  const absl::Duration rebalance_timeout_;
  const std::function<void()> news_;
  std::atomic<int64_t> last_poll_ns_{kInPoll};

  // Loop's thread only, from here on.
  Lifetime lifetime_;
  asio::steady_timer timer_;
  const std::shared_ptr<Coordinator> coordinator_;  // Shared with calls under way.
  GroupOffsets offsets_;
  GroupState state_;
  Metadata::ListenerId listener_ = 0;
  ChannelId channel_ = 0;
  int64_t round_ = 0;
  int64_t offered_ = 0;              // The number of the last task.
  std::vector<std::string> topics_;  // Ordered.
  std::optional<std::regex> pattern_;
  std::vector<TopicPartition> owned_;
  int32_t owned_generation_ = -1;
  std::vector<std::string> joined_topics_;  // What the last JoinGroup asked for.
  std::vector<Bytes> join_metadata_;        // Its bytes, until it is answered.
  std::string protocol_;
  bool is_leader_ = false;
  bool keep_assignment_ = false;  // The leader may leave it as it is (a static one came back).
  std::vector<AssignedMember> members_;
  std::set<std::string> group_topics_;
  PartitionCounts counts_;  // What the leader's assignment was made of.
  std::vector<Bytes> sync_assignments_;
  absl::Status fatal_;

  mutable absl::Mutex mu_;
  std::optional<GroupTask> task_ ABSL_GUARDED_BY(mu_);
  GroupMembership membership_ ABSL_GUARDED_BY(mu_);
  absl::Status last_error_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sluice::client_internal
