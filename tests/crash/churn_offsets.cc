#include "tests/crash/churn_offsets.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sluice::crash {
namespace {

// One end of a commit, so that they can be walked in the order of time.
struct Edge {
  size_t position = 0;
  const OffsetCommit* commit = nullptr;
};

std::vector<Edge> EdgesOf(const std::vector<OffsetCommit>& commits) {
  std::vector<Edge> edges;
  for (const OffsetCommit& commit : commits) {
    edges.push_back({commit.begin, &commit});
    if (commit.outcome == EventType::kOk) {
      edges.push_back({commit.end, &commit});
    }
  }
  std::sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) { return a.position < b.position; });
  return edges;
}

}  // namespace

void OffsetHistory::Judge(const std::vector<size_t>& deaths, const NoteFault& note) {
  EndUnknownCommits(deaths);
  JudgeOrder(note);
  const auto by_begin = [](const auto& a, const auto& b) { return a.begin < b.begin; };
  std::sort(commits_.begin(), commits_.end(), by_begin);
  std::sort(fetches_.begin(), fetches_.end(), by_begin);
  const std::vector<Edge> edges = EdgesOf(commits_);
  size_t superseded_before = 0;  // Where the last of the commits began that are acknowledged.
  auto edge = edges.begin();
  for (const OffsetFetched& fetched : fetches_) {
    for (; edge != edges.end() && edge->position < fetched.begin; ++edge) {
      if (edge->position == edge->commit->end) {
        superseded_before = std::max(superseded_before, edge->commit->begin + 1);
      }
    }
    JudgeFetch(fetched, superseded_before, note);
  }
}

void OffsetHistory::EndUnknownCommits(const std::vector<size_t>& deaths) {
  for (OffsetCommit& commit : commits_) {
    const auto death = std::upper_bound(deaths.begin(), deaths.end(), commit.begin);
    if (commit.outcome == EventType::kInfo && death != deaths.end()) {
      commit.end = *death;
    }
  }
}

// One that goes back on purpose, and may have happened, counts from its beginning.
void OffsetHistory::JudgeOrder(const NoteFault& note) const {
  int64_t floor = -1;
  for (const auto& [position, commit] : EdgesOf(commits_)) {
    if (commit->reset) {
      floor = position == commit->begin ? std::min(floor, commit->offset) : floor;
      continue;
    }
    if (commit->outcome != EventType::kOk) {
      continue;
    }
    if (position == commit->end) {
      floor = std::max(floor, commit->offset);
    } else if (commit->offset < floor) {
      note(OffsetFault::kWentBack,
           absl::StrCat("a commit of ", commit->offset, " after that of ", floor, " was acknowledged"));
      floor = commit->offset;
    }
  }
}

// A commit is superseded that ended before `superseded_before`; 0: none is acknowledged.
void OffsetHistory::JudgeFetch(const OffsetFetched& fetched, size_t superseded_before,
                               const NoteFault& note) const {
  if (fetched.offset == -1 && superseded_before == 0) {
    return;
  }
  bool is_old = fetched.offset == -1;
  const auto later = std::partition_point(commits_.begin(), commits_.end(), [&](const OffsetCommit& commit) {
    return commit.begin < fetched.end;
  });
  for (auto commit = later; commit != commits_.begin();) {
    --commit;
    if (commit->offset == fetched.offset && commit->end >= superseded_before) {
      return;
    }
    is_old = is_old || commit->offset == fetched.offset;
  }
  const std::string what = absl::StrCat("committed offset ", fetched.offset, " was given");
  if (is_old) {
    note(OffsetFault::kLost, absl::StrCat(what, ", although a later commit was acknowledged"));
  } else {
    note(OffsetFault::kForeign, absl::StrCat(what, ", which nobody had committed"));
  }
}

}  // namespace sluice::crash
