// Judges what the members of a consumer group did and saw: what a coordinator that keeps its promises can
// never show, whatever was killed, frozen or lost on the way.
//
//   const ChurnFindings found = CheckChurn(history.Take(), {.classic = true});
//   if (!found.none()) { std::cerr << found.ToString(); }
//
// Only what the history proves is held against the broker: a member counts as fenced from the moment on at
// which another one was told something that cannot be true beside it. What was only in a broker's memory
// proves nothing once that broker was killed. For a topic without retention, compaction and transactions,
// read from its beginning.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/crash/churn_history.h"

namespace sluice::crash {

enum class ChurnAnomaly {
  kMissed,           // A commit passed a record that nobody had read when it began.
  kUnread,           // An acknowledged value that nobody ever read.
  kChanged,          // Two values at one offset, acknowledged or read.
  kSkipped,          // A member was not handed the record it was to read next.
  kFencedCommit,     // Accepted from a member whose place was another's, or whose generation was over.
  kOversleptCommit,  // Accepted from a member that was silent for longer than its session.
  kGhost,            // A member was told that it is none, and was later taken for one.
  kTwoHolders,       // Two members held a partition in one generation, or at one time.
  kEpochWentBack,    // A member was let into, or left in, a generation older than one that was known.
  kCommitWentBack,   // A later commit than an acknowledged one is of a smaller offset.
  kLostCommit,       // An older offset than the acknowledged one was given, or none.
  kForeignOffset,    // An offset was given that nobody committed.
  kCount,
};

absl::string_view NameOf(ChurnAnomaly anomaly);

struct ChurnRules {
  bool classic = true;  // An older generation than the group's is over for all its partitions at once.
};

struct ChurnFindings {
  static constexpr size_t kKinds = static_cast<size_t>(ChurnAnomaly::kCount);
  std::array<int64_t, kKinds> counts = {};
  std::array<std::string, kKinds> first = {};  // What the first of each kind was.

  int64_t commits_ok = 0;  // Of one partition each.
  int64_t commits_refused = 0;
  int64_t commits_unknown = 0;
  int64_t overslept_refused = 0;
  int64_t read = 0;  // Records, each time.
  int64_t deaths = 0;
  int32_t epoch_max = -1;

  int64_t count(ChurnAnomaly anomaly) const { return counts[static_cast<size_t>(anomaly)]; }
  bool none() const;
  std::string ToString() const;  // A line for each kind that was found.
};

ChurnFindings CheckChurn(const std::vector<ChurnEvent>& history, const ChurnRules& rules);

}  // namespace sluice::crash
