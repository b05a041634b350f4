// Judges a history of sends and polls: what a log that keeps its promises can never show. Linear in the
// number of events; after jepsen.tests.kafka, for a log without transactions and compaction.
//
//   const Findings found = Check(history.Take());
//   if (!found.none()) { std::cerr << found.ToString(); }
//
// Offsets below the log start that the last read found (retention) are not asked for.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/crash/history.h"

namespace sluice::crash {

enum class Anomaly {
  kLostWrite,            // Acked below the highest offset that was polled, and polled by nobody.
  kUnseen,               // Acked, and not in the last read.
  kDuplicate,            // One value at two offsets.
  kInconsistentOffsets,  // Two values at one offset.
  kAbortedRead,          // G1a: a value whose send certainly failed was read.
  kForeign,              // A value that nobody sent was read.
  kPollSkip,             // A consumer's poll left out offsets behind its poll before.
  kNonmonotonicPoll,     // ... or went back.
  kInternalPollSkip,     // The same inside one poll.
  kInternalNonmonotonicPoll,
  kNonmonotonicSend,          // A producer's later send got an earlier offset.
  kInternalNonmonotonicSend,  // The same among the values of one send.
  kRealTimeOrder,             // An offset not above one that was acked before the send began.
  kMoved,                     // Acked at another place than where it is.
  kEndBelowAck,               // The end offset was not above one that was acked before it was asked for.
  kSeenThenGone,              // A consumer read it, and the last read did not find it there.
  kCount,
};

absl::string_view NameOf(Anomaly anomaly);

struct Findings {
  static constexpr size_t kKinds = static_cast<size_t>(Anomaly::kCount);
  std::array<int64_t, kKinds> counts = {};
  std::array<std::string, kKinds> first = {};  // What the first of each kind was.

  int64_t sends_ok = 0;
  int64_t sends_failed = 0;
  int64_t sends_unknown = 0;  // Info, and those that never ended.
  int64_t values_acked = 0;
  int64_t values_read = 0;  // By the last read.
  int64_t polls = 0;

  int64_t count(Anomaly anomaly) const { return counts[static_cast<size_t>(anomaly)]; }
  bool none() const;
  std::string ToString() const;  // A line for each kind that was found.
};

Findings Check(const std::vector<Event>& history);

}  // namespace sluice::crash
