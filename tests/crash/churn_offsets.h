// The committed offset of one partition as a register: which values it may have shown to whom.
//
//   begin  end                 A fetch may see a commit that began before the fetch ended, unless another
//   one,
//   |--5--|                    acknowledged before the fetch began, began after it had ended:
//            |--8--|           here 8 or 9, and not 5.
//              |--9--|
//                 |-fetch-|    A commit without an answer ends when the broker dies, or never.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "tests/crash/history.h"

namespace sluice::crash {

inline constexpr size_t kNever = std::numeric_limits<size_t>::max();

enum class OffsetFault {
  kWentBack,  // Acknowledged, below one that had been acknowledged when it began, and not on purpose.
  kLost,      // An older one was given than the last that was acknowledged, or none.
  kForeign,   // One was given that nobody committed.
};

// Begin and end are positions in the history.
struct OffsetCommit {
  int64_t offset = -1;
  size_t begin = 0;
  size_t end = kNever;
  EventType outcome = EventType::kInfo;
  bool reset = false;
};

struct OffsetFetched {
  int64_t offset = -1;
  size_t begin = 0;
  size_t end = 0;
};

class OffsetHistory {
 public:
  using NoteFault = std::function<void(OffsetFault fault, const std::string& what)>;

  // A commit that was refused is none.
  void Commit(const OffsetCommit& commit) {
    if (commit.outcome != EventType::kFail) {
      commits_.push_back(commit);
    }
  }
  void Fetch(const OffsetFetched& fetched) { fetches_.push_back(fetched); }

  // `deaths`: where the broker died, in order. Once.
  void Judge(const std::vector<size_t>& deaths, const NoteFault& note);

 private:
  void EndUnknownCommits(const std::vector<size_t>& deaths);
  void JudgeOrder(const NoteFault& note) const;
  void JudgeFetch(const OffsetFetched& fetched, size_t superseded_before, const NoteFault& note) const;

  std::vector<OffsetCommit> commits_;
  std::vector<OffsetFetched> fetches_;
};

}  // namespace sluice::crash
