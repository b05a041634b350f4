// What a load run did and saw, in the order in which it happened: the material of the checker.
//
//   history.Add(History::Invoke(op, {value}, partition));   // Before the send begins.
//   history.Add(History::Acked(op, partition, offset));     // After its ack arrived.
//   history.Add({.kind = EventKind::kPoll, .actor = consumer, .records = {...}});
//
// The order of the events is real time: an event that stands before another one ended before it began, if the
// one is an end (ok, fail, info) and the other a beginning (invoke).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace sluice::crash {

// One record of the load, the `sequence`-th of its producer. On the wire it is "producer:sequence:" and
// filling.
struct Value {
  int32_t producer = 0;
  int64_t sequence = 0;

  std::string Text() const;
  // False for what no producer of ours can have sent.
  static bool Parse(absl::string_view text, Value* value);
  friend auto operator<=>(const Value&, const Value&) = default;
  template <class H>
  friend H AbslHashValue(H state, const Value& value) {
    return H::combine(std::move(state), value.producer, value.sequence);
  }
};

// A value that was read and that nobody can have sent.
inline constexpr Value kForeignValue{-1, -1};

enum class EventKind {
  kSend,   // One operation of a producer: one value, or a batch of them.
  kSeek,   // A consumer goes on from another place.
  kPoll,   // What one poll returned.
  kEnd,    // The end offset of a partition was asked for.
  kStart,  // The log start offset that the last read found.
};

enum class EventType {
  kInvoke,  // It begins. Polls have none: when they began is of no use.
  kOk,
  kFail,  // It certainly did not happen.
  kInfo,  // Nobody knows.
};

struct ReadRecord {
  int32_t partition = 0;
  int64_t offset = 0;
  Value value;
};

struct Event {
  EventKind kind = EventKind::kSend;
  EventType type = EventType::kOk;
  int64_t operation = 0;      // Sends and ends: what ties the end to the invoke.
  int32_t actor = 0;          // Producer or consumer.
  int32_t partition = 0;      // All but polls.
  int64_t offset = -1;        // Ok sends: of the first value; -1 when the broker does not know any more.
  std::vector<Value> values;  // Send invokes, in the order in which they were sent.
  std::vector<ReadRecord> records;  // Polls, in the order in which they were handed out.
  bool last_read = false;           // Polls: of the reader that read all there is when everything was over.
};

// Thread-safe.
class History {
 public:
  void Add(Event event) {
    absl::MutexLock lock(&mu_);
    events_.push_back(std::move(event));
  }
  std::vector<Event> Take() {
    absl::MutexLock lock(&mu_);
    return std::move(events_);
  }

 private:
  absl::Mutex mu_;
  std::vector<Event> events_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sluice::crash
