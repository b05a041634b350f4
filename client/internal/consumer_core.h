// A consumer: partitions and their positions, shared between the application's thread, which polls, and the
// loop's thread, which fetches ahead.
//
//   loop:  fetch_offset --request--> answer --> slices queue up --> ...        (at most prefetch_responses a
//   broker) app:   Poll takes an answer, checks and decompresses it, and moves next_offset behind it
//
// A member of a group has its partitions from a GroupSession; consumer_group.cc takes them over, in Poll.
//
// A seek, a pause or a new assignment raises the partition's generation; slices of an older one are dropped
// wherever they are met.
#pragma once

#include <array>
#include <asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "client/internal/core.h"
#include "client/internal/fetched.h"
#include "client/internal/group_session.h"
#include "proto/kafka/gen/fetch.h"
#include "sluice/admin.h"
#include "sluice/consumer.h"

namespace sluice::client_internal {

class ConsumerCore {
 public:
  ConsumerCore(std::shared_ptr<Core> core, const ConsumerOptions& options);
  ~ConsumerCore();  // Closes, if nobody did.

  // As the public class says them; application's thread.
  absl::Status Assign(std::vector<Assignment> assignments);
  absl::Status AssignTopic(std::string_view topic, Position start);
  absl::Status Seek(std::string_view topic, int32_t partition, Position to);
  absl::Status SetPaused(std::string_view topic, int32_t partition, bool paused);
  absl::StatusOr<FetchedRecords> Poll(absl::Duration timeout);
  void Wakeup();  // Any thread.
  absl::StatusOr<int64_t> NextOffset(std::string_view topic, int32_t partition);
  std::optional<Watermarks> LastWatermarks(std::string_view topic, int32_t partition);
  bool AtEnd();
  absl::Status LastError();
  std::vector<Assignment> assignment();

  absl::Status Subscribe(std::vector<std::string> topics, RebalanceListener listener);
  absl::Status SubscribePattern(std::string_view pattern, RebalanceListener listener);
  absl::Status Unsubscribe();
  absl::Status CommitSync(const std::vector<GroupOffset>* offsets);  // Null: where this consumer is.
  void CommitAsync(std::optional<std::vector<GroupOffset>> offsets, CommitCallback done);
  absl::StatusOr<std::vector<GroupOffset>> Committed(const std::vector<TopicPartition>& partitions);
  GroupMembership membership() const;
  absl::Status Close(absl::Duration timeout);

 private:
  using PartitionKey = std::pair<std::string, int32_t>;
  using PartitionData = kafka::FetchResponse::PartitionData;
  static constexpr int64_t kUnknown = -1;  // A position that is being looked up, or that somebody must give.

  // Guarded by mu_ (it is what mu_ is for; nested types cannot say so).
  struct Partition {
    std::shared_ptr<const std::string> topic;  // Shared with slices that outlive the consumer.
    int32_t index = 0;
    int64_t generation = 0;
    int64_t next_offset = kUnknown;   // Of the next record that Poll returns,
    int64_t fetch_offset = kUnknown;  // and of the next one to be asked for.
    int32_t leader_epoch = -1;        // Of the last one that Poll returned.
    bool paused = false;
    bool failed = false;                                    // Stands still until it is moved.
    bool asked = false;                                     // Some fetch has asked for it.
    bool resetting = false;                                 // Its new offset is being looked up.
    absl::Duration not_before = -absl::InfiniteDuration();  // Backoff after an error.
    int errors_in_a_row = 0;
    std::optional<Watermarks> watermarks;
  };
  using PartitionPtr =
      std::shared_ptr<Partition>;  // Shared with requests and answers that may outlive it here.

  struct Slice {
    PartitionPtr partition;
    int64_t generation;
    int64_t next_offset;
    FetchedSlice data;
  };
  struct FetchedAnswer {
    int32_t node;
    std::shared_ptr<const Buffer> buffer;
    std::vector<Slice> slices;
  };
  struct Asked {
    PartitionPtr partition;
    int64_t generation;
    int64_t offset;
  };
  struct FetchPlan {
    std::vector<Asked> asked;
    absl::flat_hash_map<std::string, Uuid> topic_ids;
    int16_t version_cap = 0;
    int64_t request = 0;
    ChannelId channel = 0;
    bool at_once = false;  // Asks for some partition for the first time: learn its watermarks, do not wait.
  };
  struct Node {
    bool in_flight = false;
    std::vector<Asked> under_way;  // What the request that is in flight asked for,
    int64_t request = 0;           // and its number: answers to others are late.
    size_t channel = 0;            // Of channels_.
    int queued_answers = 0;
  };

  // Application's thread.
  absl::StatusOr<std::vector<OffsetAnswer>> Resolve(const std::vector<Assignment>& assignments);
  absl::StatusOr<PartitionPtr> Find(std::string_view topic, int32_t partition)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void MoveTo(Partition& partition, int64_t offset) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Kick();  // The loop shall look again.
  absl::StatusOr<FetchedRecords> PollRecords(absl::Duration timeout);
  bool HasNews() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::unique_ptr<FetchedData> Open(FetchedAnswer answer);

  // Application's thread, of a member (consumer_group.cc).
  using Partitions = std::vector<TopicPartition>;
  absl::Status CheckGroup(absl::string_view call) const;
  absl::Status StartSubscription(absl::string_view call, RebalanceListener listener);
  absl::Status LeaveGroup(absl::Duration timeout);
  absl::Status ServeGroup();
  void Prepare(const GroupTask& task);
  void TakeOver(const GroupTask& task);
  void GiveBack(const Partitions& partitions, bool lost);
  void Add(const TopicPartition& added, const std::vector<GroupOffset>& committed)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void AutoCommit();
  void Tell(const RebalanceListener::Function& function, const Partitions& partitions);
  Partitions Owned();
  std::vector<GroupOffset> Positions(const Partitions* only);

  // Loop's thread.
  void Stop();
  void Pump();
  std::map<int32_t, FetchPlan> MakePlans(absl::Duration* next_look, bool* stale)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void AbandonStale(Node& node) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SendFetch(int32_t node, FetchPlan plan);
  kafka::FetchRequest MakeRequest(const FetchPlan& plan) const;
  void OnAnswer(int32_t node, const FetchPlan& plan,
                const absl::StatusOr<Answer<kafka::FetchResponse>>& answer);
  void BackOff(const FetchPlan& plan, const absl::Status& why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void TakeIn(const Asked& asked, const PartitionData& data, FetchedAnswer* fetched)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void TakeRecords(const Asked& asked, ByteView records, FetchedAnswer* fetched)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void TakeError(const Asked& asked, int16_t code) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnOutOfRange(const Asked& asked, const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Looks up where to go on instead, unless the partition is moved before.
  void ResetSoon(const PartitionPtr& partition) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void StartReset(const PartitionPtr& partition, int64_t generation);
  void FailPartition(Partition& partition, const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void CheckTopics() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SetTimer(absl::Duration at);

  const std::shared_ptr<Core> core_;  // Shared with the client and its other producers and consumers.
  const ConsumerOptions options_;
  // Two, to go on over one after a seek while a fetch for the old place still waits at the broker on the
  // other.
  const std::array<ChannelId, 2> channels_;

  // Loop's thread only.
  Lifetime lifetime_;
  asio::steady_timer timer_;
  Metadata::ListenerId listener_ = 0;

  // Application's thread only.
  record::Decompressor decompressor_;
  RebalanceListener rebalance_listener_;
  bool in_listener_ = false;
  bool closed_ = false;
  absl::Status close_status_;
  absl::Status barred_;  // From the group.
  absl::Duration next_auto_commit_ = -absl::InfiniteDuration();

  absl::Mutex mu_;
  absl::CondVar news_;
  std::map<PartitionKey, PartitionPtr> partitions_ ABSL_GUARDED_BY(mu_);
  std::map<int32_t, Node> nodes_ ABSL_GUARDED_BY(mu_);
  std::deque<FetchedAnswer> ready_ ABSL_GUARDED_BY(mu_);
  std::deque<absl::Status> errors_ ABSL_GUARDED_BY(mu_);
  bool woken_ ABSL_GUARDED_BY(mu_) = false;
  bool kicked_ ABSL_GUARDED_BY(mu_) = false;
  size_t rotation_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t next_generation_ ABSL_GUARDED_BY(mu_) = 1;
  absl::Status last_error_ ABSL_GUARDED_BY(mu_);
  bool subscribed_ ABSL_GUARDED_BY(mu_) = false;
  bool has_assignment_ ABSL_GUARDED_BY(mu_) = false;  // Of the group, however small.
  bool group_news_ ABSL_GUARDED_BY(mu_) = false;

  // Null without a group_id. The last member: its news come to the others.
  const std::unique_ptr<GroupSession> group_;
};

}  // namespace sluice::client_internal
