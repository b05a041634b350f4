// Commits of a group, one after the other, and what it has committed. Loop thread only.
#pragma once

#include <asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/internal/coordinator.h"
#include "proto/kafka/error_code.h"
#include "sluice/group.h"

namespace sluice::client_internal {

// As whom one commits: nobody in particular when the consumer is no member.
struct MemberClaim {
  std::string member_id;
  std::optional<std::string> instance_id;
  int32_t generation = -1;
};

class GroupOffsets {
 public:
  using Fetched = std::function<void(absl::StatusOr<std::vector<GroupOffset>>)>;
  struct Hooks {
    std::function<absl::StatusOr<MemberClaim>()> claim;  // An error: nothing may be committed now.
    std::function<void(kafka::ErrorCode)> on_code;       // Of each answer to a commit.
  };

  GroupOffsets(Core& core, std::shared_ptr<Coordinator> coordinator, Hooks hooks);

  // `done` runs once, never from inside the call. With `retry` what a moment may heal is tried again until
  // the deadline; commits behind it wait. No offsets: `done` runs when all before it are through.
  void Commit(std::vector<GroupOffset> offsets, bool retry, absl::Duration deadline, CommitCallback done);
  // One answer for each, in order, as soon as there is one; what a moment may heal is tried again until the
  // deadline. `done` runs once.
  void Fetch(std::vector<TopicPartition> partitions, absl::Duration deadline, Fetched done);
  // Fails what waits.
  void Stop(const absl::Status& why);

 private:
  struct Pending {
    std::vector<GroupOffset> offsets;
    bool retry;
    absl::Duration deadline;
    CommitCallback done;
    int attempts = 0;
  };
  struct Fetching;

  void StartCommit();
  void SendCommit();
  void OnCommitAnswer(absl::Status status, bool again);
  void StartFetch(std::shared_ptr<Fetching> fetching);

  Core& core_;
  const std::shared_ptr<Coordinator> coordinator_;  // Shared with the session.
  const Hooks hooks_;
  Lifetime lifetime_;
  asio::steady_timer timer_;
  std::deque<Pending> commits_;
  bool commit_under_way_ = false;                   // The first of them.
  std::vector<std::shared_ptr<Fetching>> fetches_;  // Shared with the timers and answers that they wait for.
};

}  // namespace sluice::client_internal
