// What the partitions of a fetch session tell it: which of them moved.
//
// It stands apart from the session because it is told under the lock of a partition, where no session may
// end: a session that ends takes leave of its partitions.
//
// Threads: thread-safe. Made as shared_ptr: the session, and the watches that it left at partitions.
#pragma once

#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "broker/topic/partition.h"

namespace sluice::broker {

struct SessionPartition;

class SessionMoves {
 public:
  using Moved = absl::flat_hash_set<SessionPartition*>;

  // Left at a partition: tells of its next move, once per registration.
  class Watch final : public PartitionWaiter {
   public:
    // `of` stays until Forget().
    Watch(std::shared_ptr<SessionMoves> moves, SessionPartition* of) : moves_(std::move(moves)), of_(of) {}

    void NotePartitionMoved() override { moves_->Note(this); }
    void OnPartitionChanged() override {
      moves_->Note(this);
      moves_->Ring();
    }

   private:
    friend class SessionMoves;
    const std::shared_ptr<SessionMoves> moves_;
    SessionPartition* of_;  // Guarded by the lock of moves_. Null once forgotten.
  };

  // Those that moved since the last call.
  Moved Take();

  // `bell` is rung once, at the next move. False: there was one since Take(), and nothing will ring.
  bool Arm(absl::AnyInvocable<void()> bell);
  void Ring();
  void Disarm();

  // From now on nothing is heard of this partition.
  void Forget(Watch& watch);

 private:
  void Note(Watch* watch);

  absl::Mutex mu_;
  Moved moved_ ABSL_GUARDED_BY(mu_);
  absl::AnyInvocable<void()> bell_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sluice::broker
