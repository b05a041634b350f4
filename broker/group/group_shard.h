// The groups of one partition of __consumer_offsets, of either protocol: their state in memory, made from
// that partition's records and written to it before anyone is answered (group_journal.h).
//
//   kLoading --(all records read)--> kActive --(an append or a sync failed)--> kLoading ...
//       |                               |
//       +---------- Close() ------------+--> kClosed
//
// When a write fails, memory would say what the log does not: the shard forgets everything and reads the log
// again.
//
// Threads: every method from any thread; none blocks but Load(). A mutex orders the changes and is never held
// over I/O. Answers are called once, on any thread, never under the mutex.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "broker/group/core/classic_group.h"
#include "broker/group/core/consumer/consumer_group.h"
#include "broker/group/core/group_offsets.h"
#include "broker/group/group_configs.h"
#include "broker/group/group_journal.h"
#include "broker/group/group_types.h"
#include "broker/topic/partition.h"
#include "proto/base/clock.h"
#include "proto/base/logger.h"
#include "storage/disk/executor.h"

namespace sluice::broker {

using OnJoin = absl::AnyInvocable<void(JoinAnswer)>;
using OnSync = absl::AnyInvocable<void(SyncAnswer)>;
using OnConsumerHeartbeat = absl::AnyInvocable<void(ConsumerHeartbeatAnswer)>;
using OnError = absl::AnyInvocable<void(kafka::ErrorCode)>;
using OnErrors = absl::AnyInvocable<void(kafka::ErrorCode group_error, std::vector<kafka::ErrorCode> each)>;

// Which errors a client that commits understands: epochs of members are known from version 9 on.
enum class CommitDialect { kGenerations, kMemberEpochs };

class GroupShard : public std::enable_shared_from_this<GroupShard> {
 public:
  struct Parts {
    std::shared_ptr<Partition> partition;  // Shared with the catalog.
    storage::Executor& pool;
    Clock& clock;
    Logger* logger;  // Null: says nothing.
    const TopicView& topics;
    const GroupConfigs& configs;
    GroupLimits limits;
    ConsumerLimits consumer_limits;
    int64_t offsets_retention_ms;
    // The shard's next deadline moved forward. Any thread, under the shard's mutex: it must not call back.
    absl::AnyInvocable<void(int64_t deadline_ms)> on_alarm;
  };
  explicit GroupShard(Parts parts);

  // Reads the partition. Blocks: disk pool.
  void Load();
  // Whoever waits is told NOT_COORDINATOR, and so is whoever comes.
  void Close();

  void Join(const std::string& group, const JoinRequest& request, OnJoin done);
  void Sync(const std::string& group, const SyncRequest& request, OnSync done);
  void Heartbeat(const std::string& group, const MemberClaim& member, OnError done);
  void Leave(const std::string& group, const std::vector<LeaveRequest>& members, OnErrors done);
  // A member of the consumer protocol; the request has been checked (ConsumerGroup::CheckRequest).
  void ConsumerHeartbeat(const std::string& group, const broker::ConsumerHeartbeat& request,
                         OnConsumerHeartbeat done);
  // Each is kept; whoever asks has checked that topics exist and texts are short.
  void Commit(const std::string& group, const MemberClaim& member, std::vector<OffsetToCommit> offsets,
              CommitDialect dialect, OnError done);
  // `wanted` null: all that the group has.
  void FetchOffsets(const std::string& group, const OffsetReader& reader,
                    const std::vector<TopicPartition>* wanted, absl::AnyInvocable<void(FetchedOffsets)> done);
  // GROUP_ID_NOT_FOUND for a group of the other protocol, too.
  void Describe(const std::string& group, absl::AnyInvocable<void(DescribedGroup)> done);
  void DescribeConsumers(const std::string& group, absl::AnyInvocable<void(DescribedConsumerGroup)> done);
  // COORDINATOR_LOAD_IN_PROGRESS while the list is not whole.
  void List(absl::AnyInvocable<void(kafka::ErrorCode, std::vector<ListedGroup>)> done);
  void DeleteGroup(const std::string& group, OnError done);
  void DeleteOffsets(const std::string& group, const std::vector<TopicPartition>& which, OnErrors done);

  // Forgets the offsets of a topic that is gone, in every group.
  void OnTopicDeleted(const std::string& topic);
  // What became due.
  void OnTime(int64_t now_ms);
  int64_t next_deadline_ms() const;
  void ExpireOffsets();

 private:
  enum class State { kLoading, kActive, kClosed };
  // What clients are told of a change that was not kept: it makes them ask again.
  static constexpr kafka::ErrorCode kLost = kafka::ErrorCode::kCoordinatorNotAvailable;

  struct Group {
    explicit Group(ClassicGroup group) : classic(std::move(group)) {}
    ClassicGroup classic;
    std::optional<ConsumerGroup> consumer;  // Set: this is what the group is, and `classic` is nothing.
    GroupOffsets offsets;
    int64_t alarm_ms = INT64_MAX;  // Where it stands in alarms_.

    bool empty() const {
      return consumer ? consumer->members().empty() : classic.state() == GroupState::kEmpty;
    }
    int64_t next_deadline_ms() const {
      return consumer ? consumer->next_deadline_ms() : classic.next_deadline_ms();
    }
    // Could a member that says it has an id of this group have got it here?
    bool knows_members() const { return !consumer || !empty(); }
    // What the log knows it by.
    std::vector<GroupRecord> Tombstones() const;
    // Nothing where that cannot be told: then every topic may be.
    std::optional<std::set<std::string>> SubscribedTopics() const {
      return consumer ? consumer->SubscribedNames() : classic.SubscribedTopics();
    }
  };
  using Groups = std::map<std::string, Group>;

  // What is wrong with the shard itself; kNone when it serves.
  kafka::ErrorCode Unfit() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The same for what clients may send without end, commits and joins of both protocols:
  // kCoordinatorLoadInProgress, too, while too much waits for the disk.
  kafka::ErrorCode UnfitToWrite() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Group* Find(const std::string& group) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Group& FindOrMake(const std::string& group) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Runs `change` under the mutex and gives `done` what it returns once that is durable; `otherwise` is what
  // the shard answers when it does not serve, or when the change was lost.
  template <class Answer>
  void Change(absl::AnyInvocable<void(Answer)> done, absl::FunctionRef<Answer()> change,
              absl::FunctionRef<Answer(kafka::ErrorCode)> otherwise);
  void Settle(Group* group, ClassicEffects effects) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // group_shard_consumer.cc
  void Settle(Group* group, ConsumerEffects effects, std::vector<GroupRecord> before = {})
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  ConsumerHeartbeatAnswer HeartbeatLocked(const std::string& group, const broker::ConsumerHeartbeat& request)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  ConsumerLimits LimitsOf(const std::string& group) const;
  ConsumerHeartbeatAnswer JoinAsFirst(const std::string& group, const broker::ConsumerHeartbeat& request)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  ConsumerHeartbeatAnswer JoinClassicGroup(Group* group, const broker::ConsumerHeartbeat& request)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void MakeClassicIfEmpty(Group* group) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  JoinAnswer JoinConsumerGroup(Group* group, const JoinRequest& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  kafka::ErrorCode CheckCommit(Group* group, const MemberClaim& member,
                               const std::vector<OffsetToCommit>& offsets, CommitDialect dialect)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  DescribedConsumerGroup DescribeConsumersLocked(const std::string& group) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void AnswerWhenKept(OnJoin done, JoinAnswer answer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void AnswerWhenKept(OnSync done, SyncAnswer answer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  void SetAlarm(Group* group) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Forget(Groups::iterator group) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ForgetIfDone(const std::string& group) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::vector<TopicPartition> ExpiredOf(const Group& group, int64_t now_ms) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void RemoveOffsets(Group* group, const std::vector<TopicPartition>& which)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  DescribedGroup DescribeLocked(const std::string& group) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Gives everyone who waits `error` and starts anew.
  void Reset(kafka::ErrorCode error) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnWriteFailed(const GroupJournal* journal, const absl::Status& status);
  std::shared_ptr<GroupJournal> NewJournal();
  void Flush();
  int64_t MonotonicMs() const { return absl::ToInt64Milliseconds(parts_.clock.Monotonic()); }
  GroupTime Now() const { return {.monotonic_ms = MonotonicMs(), .wall_ms = parts_.clock.NowMs()}; }

  Parts parts_;
  mutable absl::Mutex mu_;
  State state_ ABSL_GUARDED_BY(mu_) = State::kLoading;
  Groups groups_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<GroupJournal> journal_ ABSL_GUARDED_BY(mu_);  // Shared with appends that are under way.
  std::set<std::pair<int64_t, std::string>> alarms_ ABSL_GUARDED_BY(mu_);
  AnswerToken last_token_ ABSL_GUARDED_BY(mu_) = 0;
  absl::flat_hash_map<AnswerToken, OnJoin> joins_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<AnswerToken, OnSync> syncs_ ABSL_GUARDED_BY(mu_);
};

template <class Answer>
void GroupShard::Change(absl::AnyInvocable<void(Answer)> done, absl::FunctionRef<Answer()> change,
                        absl::FunctionRef<Answer(kafka::ErrorCode)> otherwise) {
  std::shared_ptr<GroupJournal> journal;
  kafka::ErrorCode unfit;
  {
    absl::MutexLock lock(&mu_);
    unfit = Unfit();
    if (unfit == kafka::ErrorCode::kNone) {
      journal = journal_;
      Answer answer = change();  // First: the answer waits for what this writes.
      journal->Answer([done = std::move(done), answer = std::move(answer), lost = otherwise(kLost)](
                          bool kept) mutable { done(kept ? std::move(answer) : std::move(lost)); });
    }
  }
  if (journal == nullptr) {
    return done(otherwise(unfit));
  }
  journal->Flush();
}

}  // namespace sluice::broker
