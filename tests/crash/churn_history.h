// What the members of one consumer group did and saw, in the order in which it happened: the material of
// churn_checker.h.
//
//   const int64_t operation = history.Begin({.kind = ChurnKind::kCommit, .member = id, .epoch = 3,
//                                            .offsets = {{0, 17}}});
//   ... the request and its answer ...
//   history.End({.kind = ChurnKind::kCommit, .type = EventType::kOk, .operation = operation});
//
// The order of the events is real time, as in history.h: an end that stands before a beginning was over when
// the other began. What an end does not say again is as its beginning said.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tests/crash/history.h"

namespace sluice::crash {

enum class ChurnKind {
  kAppend,   // Values were acknowledged at `offset` and behind it. Without a beginning.
  kStep,     // JoinGroup, SyncGroup, a heartbeat. Ok: the broker counts the member in, in `epoch`.
  kHold,     // From now on it holds exactly the partitions of `offsets`. Without a beginning.
  kOut,      // It was told that it is no member any more, or left. Without a beginning.
  kCommit,   // `offsets`.
  kFetched,  // Committed offsets were asked for; ok: `offsets`, -1 for none. It reads on from there.
  kRead,     // Records came, in the order in which they stand. Without a beginning.
  kDied,     // The broker is dead, and the next one has not begun to start. Without a beginning.
};

struct ChurnEvent {
  ChurnKind kind = ChurnKind::kStep;
  EventType type = EventType::kOk;
  int64_t operation = 0;  // What ties the end to the beginning.
  std::string member = {};
  std::string owner = {};  // Who it is for the group: the instance id of a static member, else its own.
  int32_t epoch = -1;      // Generation, or member epoch.
  bool joins = false;      // Steps: it was not in the group before, or is in a new generation.
  bool durable = false;    // Ok steps: what the broker said is on its disk, so a kill cannot take it back.
  bool reset = false;      // Commits: it goes back on purpose.
  bool overslept = false;  // Commits: of a member whose session must be over.
  std::map<int32_t, int64_t> offsets = {};  // By partition.
  int32_t partition = 0;                    // Appends.
  int64_t offset = -1;
  std::vector<Value> values = {};
  std::vector<ReadRecord> records = {};  // Reads.
};

// Thread-safe.
class ChurnHistory {
 public:
  // Gives the operation's number.
  int64_t Begin(ChurnEvent event) {
    absl::MutexLock lock(&mu_);
    event.type = EventType::kInvoke;
    event.operation = next_operation_++;
    events_.push_back(std::move(event));
    return events_.back().operation;
  }
  void End(ChurnEvent event) { Add(std::move(event)); }
  void Add(ChurnEvent event) {
    absl::MutexLock lock(&mu_);
    events_.push_back(std::move(event));
  }
  std::vector<ChurnEvent> Take() {
    absl::MutexLock lock(&mu_);
    return std::move(events_);
  }

 private:
  absl::Mutex mu_;
  std::vector<ChurnEvent> events_ ABSL_GUARDED_BY(mu_);
  int64_t next_operation_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace sluice::crash
