// One fetch session (KIP-227): the partitions that a consumer reads, kept here, so that it names only those
// whose position changed and is told only of those that have news.
//
//   consumer                                        broker
//   full fetch of {a, b, c}, epoch 0         ->
//                                            <-     session 77; a, b, c
//   session 77, epoch 1, {a: offset 5}       ->     a moved on, b and c as before
//                                            <-     b, the only one that moved meanwhile
//
// A fetch of a thousand partitions that rest costs nothing: each partition tells the session when it moves
// (session_moves.h), and a fetch looks only at those that are due: moved, changed by the request, or with
// something to tell that was not told yet.
//
// Order, as in Kafka: due partitions are read in the order of the session, and one that gave records goes to
// its end, so that none starves where the response has no room for all.
//
// Threads: thread-safe. A session serves one request at a time:
// the latest. Each request raises the epoch, and one whose epoch is not the latest any more gets
// INVALID_FETCH_SESSION_EPOCH. Made as shared_ptr: the cache, and a request at work while it is.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/container/node_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "broker/kafka/fetch_plan.h"
#include "broker/kafka/session_moves.h"
#include "broker/topic/partition.h"
#include "proto/kafka/error_code.h"
#include "proto/kafka/gen/fetch.h"

namespace sluice::broker {

inline constexpr int32_t kFirstSessionEpoch = 1;  // Of the first request after the one that opened a session.
// They go round without 0, which opens a session, and without negative ones.
int32_t NextSessionEpoch(int32_t epoch);

// What a session keeps of a partition. By one of name and id, as the session's requests do.
struct SessionPartition {
  struct Key {
    Uuid topic_id;
    std::string topic;
    int32_t partition = 0;
    friend bool operator==(const Key&, const Key&) = default;
    template <class H>
    friend H AbslHashValue(H state, const Key& key) {
      return H::combine(std::move(state), key.topic_id, key.topic, key.partition);
    }
  };

  const Key* key = nullptr;  // Of its place in the session's map.
  kafka::FetchRequest::FetchPartition asked = {};
  int64_t told_high_watermark = -1;
  int64_t told_log_start = -1;
  uint64_t place = 0;                                    // In the order of the session.
  bool due = false;                                      // To be looked at by the next fetch.
  std::shared_ptr<SessionMoves::Watch> watch = nullptr;  // Shared with the partition while registered there.
  std::weak_ptr<Partition> partition = {};               // Where it was last registered.
};

class FetchSession {
 public:
  // Versions from 13 on name topics by id, older ones by name. A session is of one kind.
  enum class Naming { kByName, kById };
  FetchSession(int32_t id, Naming naming, int32_t next_epoch = kFirstSessionEpoch)
      : id_(id), naming_(naming), next_epoch_(next_epoch) {}
  ~FetchSession();
  FetchSession(const FetchSession&) = delete;
  FetchSession& operator=(const FetchSession&) = delete;

  int32_t id() const { return id_; }

  // What it keeps, for the cache's count.
  struct Size {
    size_t partitions = 0;
    uint64_t bytes = 0;
  };
  Size size() const;

  // Keeps the partitions of a full fetch, and that `response`, its answer, is what the consumer was told.
  void Open(const kafka::FetchRequest& request, const kafka::FetchResponse& response);

  // An incremental request comes in. kNone: its partitions are taken over, its forgotten ones are gone, and
  // the epoch is the next one. Else nothing has changed.
  kafka::ErrorCode Begin(const kafka::FetchRequest& request, int16_t version);

  // The rest is of the request that began with `epoch`, in this order, the first three as often as it takes.

  // A full request for what is due; none when a later request has begun.
  std::optional<kafka::FetchRequest> Collect(int32_t epoch, const kafka::FetchRequest& request);
  // `plan` answers what was collected. Partitions without news rest from now on, until they move.
  void Settle(int32_t epoch, const FetchPlan& plan);
  // Partitions rest that would have something to give later.
  bool any_at_rest() const;
  // `bell` is rung once, when a partition moves that was settled, or a later request begins. True: it is too
  // late to wait, that has happened already.
  bool Arm(int32_t epoch, absl::AnyInvocable<void()> bell) ABSL_LOCKS_EXCLUDED(mu_);
  // Strikes from the answer, which is sent now, what the consumer knows.
  kafka::ErrorCode Finish(int32_t epoch, kafka::FetchResponse* response);

 private:
  using Key = SessionPartition::Key;
  using Entry = SessionPartition;
  // Of the partitions that the plan answers, in its order.
  struct Collected {
    Entry* entry = nullptr;
    bool can_rest = false;  // It is at its end, and will tell of its next move.
  };
  using Entries = absl::node_hash_map<Key, Entry>;

  // Taken back outside the lock, since that takes the partition's.
  struct Registration {
    std::shared_ptr<SessionMoves::Watch> watch;
    std::shared_ptr<Partition> partition;
  };

  // What one takes, about: its place in the map, and its watch.
  static constexpr uint64_t kPartitionBytes = sizeof(Key) + sizeof(Entry) + 128;

  static void End(const std::vector<Registration>& registrations);
  static bool HasNews(const Entry& entry, const kafka::FetchResponse::PartitionData& answer);
  Key KeyOf(const std::string& topic, const Uuid& topic_id, int32_t partition) const;
  Entry& Keep(Key key, const kafka::FetchRequest::FetchPartition& asked) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Registration Forget(Entries::iterator found) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SetDue(Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SetAtRest(Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void MoveToEnd(Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool IsLatest(int32_t epoch) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void TakeOver(const kafka::FetchRequest& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::vector<Registration> ForgetAsAsked(const kafka::FetchRequest& request)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::vector<bool> Register(int32_t epoch, const FetchPlan& plan) ABSL_LOCKS_EXCLUDED(mu_);

  const int32_t id_;
  const Naming naming_;
  const std::shared_ptr<SessionMoves> moves_ = std::make_shared<SessionMoves>();  // Shared with the watches.

  mutable absl::Mutex mu_;
  int32_t next_epoch_ ABSL_GUARDED_BY(mu_);
  // What requests have in common; when it changes, everything is looked at again.
  int16_t version_ ABSL_GUARDED_BY(mu_) = 0;
  int8_t isolation_level_ ABSL_GUARDED_BY(mu_) = 0;
  Entries entries_ ABSL_GUARDED_BY(mu_);
  absl::btree_map<uint64_t, Entry*> due_ ABSL_GUARDED_BY(mu_);  // By place.
  uint64_t next_place_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t bytes_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<Collected> collected_ ABSL_GUARDED_BY(mu_);  // Of the latest request: valid while it is.
  bool any_stale_ ABSL_GUARDED_BY(mu_) = false;            // Moved before it was watched.
};

}  // namespace sluice::broker
