// One place in a consumer group, and the members that come and go on it: each joins, reads on from what is
// committed, commits, and then leaves, vanishes, or freezes past its session and wakes up as a ghost that
// still wants to commit. All of it at random from a seed, through whatever happens to the broker.
//
//   ChurnMember member(context, options, {.slot = 3, .is_static = true}, group);
//   asio::co_spawn(context, member.Run(), asio::detached);
//
// What it does and is told goes into the group's history. The io_context's thread only.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proto/base/random.h"
#include "tests/crash/churn_history.h"
#include "tests/support/async_connection.h"
#include "tests/support/group_member.h"

namespace sluice::crash {

struct ChurnOptions {
  AsyncConnection::Options connection = {};
  std::string topic = "t";
  Uuid topic_id = {};
  int32_t partitions = 6;
  int members = 5;
  int static_members = 2;  // Of them.
  int32_t session_timeout_ms = 1'000;
  uint64_t seed = 0;
};

// What the members of one group share. Set before they run; after that the io_context's thread only, but for
// the history.
struct ChurnGroup {
  GroupProtocol protocol = GroupProtocol::kClassic;
  std::string name = {};
  ChurnHistory history = {};
  int64_t deaths = 0;     // Of the broker.
  bool calm = false;      // No more of it: read to the end and commit.
  bool stopping = false;  // Leave.
  int64_t commits = 0;    // Accepted ones.
  int64_t lives = 0;      // Members that held something.
  int64_t overslept = 0;  // Commits of those who slept past their session.
  int running = 0;        // Places whose Run has not ended.
};

class ChurnMember {
 public:
  struct Place {
    int slot = 0;
    bool is_static = false;
  };

  ChurnMember(asio::io_context& context, const ChurnOptions& options, const Place& place, ChurnGroup& group);

  // Until the group stops.
  asio::awaitable<void> Run();
  // For a report of what did not come to an end.
  std::string Describe() const;

 private:
  using Clock = std::chrono::steady_clock;

  // One member, and what it knows. A static one may have a successor while it still lives: then it is a
  // ghost.
  struct Life {
    std::unique_ptr<AsyncConnection> connection;
    std::unique_ptr<GroupMember> member;
    std::map<int32_t, int64_t> next = {};       // By partition: what it reads next.
    std::map<int32_t, int64_t> committed = {};  // What it knows to be committed.
    std::vector<int32_t> told_held = {};        // As the history knows it.
    int32_t told_epoch = -1;
    Clock::time_point next_step = {};
    bool is_out = false;  // Its place is another's.
  };
  enum class Farewell { kLeave, kLeaveForGood, kVanish, kHandOver };

  asio::awaitable<void> Live();
  asio::awaitable<bool> Connect();
  asio::awaitable<void> Step();
  asio::awaitable<void> Read();
  asio::awaitable<bool> FindPositions();
  asio::awaitable<void> Commit(Life* life, std::map<int32_t, int64_t> offsets, bool overslept);
  asio::awaitable<void> Rewind();
  asio::awaitable<void> Freeze();
  asio::awaitable<void> Leave(bool for_good);
  asio::awaitable<void> SendGhost();
  asio::awaitable<void> Pause(std::chrono::milliseconds time);

  std::unique_ptr<Life> NewLife();
  void TakeStep(kafka::ErrorCode error, const std::string& member_before);
  void TakeHeld();
  void TellHeld(std::vector<int32_t> held);
  std::map<int32_t, int64_t> Uncommitted() const;
  ChurnEvent EventOf(ChurnKind kind, const Life& life) const;
  bool OneIn(uint64_t n) { return random_.Below(n) == 0; }
  std::chrono::milliseconds UpTo(int64_t ms) {
    return std::chrono::milliseconds(random_.Below(static_cast<uint64_t>(ms) + 1));
  }

  asio::io_context& context_;
  const ChurnOptions& options_;
  const Place place_;
  ChurnGroup& group_;
  Random random_;
  int lives_ = 0;
  std::unique_ptr<Life> life_;
  std::unique_ptr<Life> ghost_;
};

}  // namespace sluice::crash
