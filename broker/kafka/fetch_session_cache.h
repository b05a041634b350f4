// All fetch sessions of the broker (KIP-227), bounded in number and in bytes.
//
//   session id  epoch
//   0           0         "open a session"      a full fetch; the answer has the new id, or 0 where there is
//                                               no room: then the client goes on with full fetches
//   0           -1        "no session"          a full fetch
//   n           0, -1     "close mine"          the same, after n was closed
//   n           1, 2 ..   "the next of mine"    incremental: Resume()
//
// Who may take a slot when all are taken, as in Kafka: the newcomer replaces the session that was not used
// for longest, if that is more than two minutes; else the smallest that was opened more than two minutes ago,
// if the newcomer has more partitions. Sessions of followers are privileged: they replace those of consumers
// at any age and are not replaced by them.
//
// A request that makes the sessions outgrow their bytes loses its session, which its client takes for one
// that was replaced: it opens another, and gets none.
//
// Threads: thread-safe. Its lock is held for a look-up; a session has its own.
#pragma once

#include <cstdint>
#include <memory>
#include <tuple>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/kafka/fetch_session.h"
#include "proto/base/clock.h"
#include "proto/base/random.h"

namespace sluice::broker {

struct FetchSessionLimits {
  size_t slots = 0;        // max.incremental.fetch.session.cache.slots
  uint64_t bytes_max = 0;  // sluice.fetch.session.cache.bytes
  absl::Duration idle_max = absl::Minutes(2);
};

class FetchSessionCache {
 public:
  // The clock must outlive it. Ids are drawn from `random`.
  FetchSessionCache(const FetchSessionLimits& limits, Clock& clock, Random random)
      : limits_(limits), clock_(clock), random_(std::move(random)) {}

  // A full fetch that names a session closes it.
  void Close(int32_t id);

  // An incremental fetch begins. No session and no error: it has no partitions left and was closed; what the
  // request names is fetched without one.
  struct Resumed {
    kafka::ErrorCode error = kafka::ErrorCode::kNone;
    std::shared_ptr<FetchSession> session = nullptr;
  };
  Resumed Resume(const kafka::FetchRequest& request, int16_t version);

  // A session for a full fetch that was answered with `response`: its id, 0 where there is no room.
  enum class Rank { kConsumer, kFollower };
  int32_t Open(const kafka::FetchRequest& request, const kafka::FetchResponse& response, int16_t version,
               Rank rank = Rank::kConsumer);

  struct Stats {
    size_t sessions = 0;
    size_t partitions = 0;
    uint64_t bytes = 0;
    uint64_t evictions = 0;  // Since the start.
  };
  Stats stats() const;

 private:
  // Least valuable first.
  using Value = std::tuple<bool, size_t, int32_t>;  // Privileged, partitions, id.
  using LastUse = std::pair<absl::Duration, int32_t>;
  struct Slot {
    std::shared_ptr<FetchSession> session;  // Shared with a request at work.
    Rank rank = Rank::kConsumer;
    absl::Duration opened;
    absl::Duration last_used;
    FetchSession::Size size;
  };
  using Slots = absl::flat_hash_map<int32_t, Slot>;

  static Value ValueOf(int32_t id, const Slot& slot) {
    return {slot.rank == Rank::kFollower, slot.size.partitions, id};
  }
  std::shared_ptr<FetchSession> Find(int32_t id) const;
  bool Touch(int32_t id, const FetchSession::Size& size);
  const Slot* FindEvictable(Rank rank, size_t partitions, absl::Duration now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::shared_ptr<FetchSession> Remove(int32_t id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Enlist(int32_t id, Slot& slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Delist(int32_t id, const Slot& slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool HasRoom(Rank rank, size_t partitions) const;
  int32_t NewId() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const FetchSessionLimits limits_;
  Clock& clock_;

  mutable absl::Mutex mu_;
  Random random_ ABSL_GUARDED_BY(mu_);
  Slots slots_ ABSL_GUARDED_BY(mu_);
  absl::btree_set<LastUse> by_last_use_ ABSL_GUARDED_BY(mu_);
  absl::btree_set<Value> for_consumers_ ABSL_GUARDED_BY(mu_);  // Whom a consumer's session may replace,
  absl::btree_set<Value> for_followers_ ABSL_GUARDED_BY(mu_);  // and whom a follower's.
  Stats stats_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sluice::broker
