// Members of one group on one thread, each with a connection of its own, that heartbeat until they are told
// otherwise; and the wait for the moment at which all of them have their final assignment.
//
//   GroupCrowd crowd(context, options);
//   crowd.Add(30);
//   co_await crowd.AwaitFinal();
//
// Final: every member knows what it holds, together they hold every partition, none holds two more than
// another, and in a classic group all are in one generation. The io_context's thread only.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/async_connection.h"
#include "tests/support/group_member.h"

namespace sluice::bench {

struct CrowdOptions {
  GroupProtocol protocol = GroupProtocol::kClassic;
  AsyncConnection::Options connection = {};
  GroupMemberOptions member = {};
  int32_t heartbeat_ms = 500;  // Of classic members; KIP-848's are told theirs by the broker.
};

class GroupCrowd {
 public:
  GroupCrowd(asio::io_context& context, CrowdOptions options);
  // Outlives what its members still do: the io_context must have run dry, or never run again.
  ~GroupCrowd() = default;
  GroupCrowd(const GroupCrowd&) = delete;
  GroupCrowd& operator=(const GroupCrowd&) = delete;

  void Add(int members);
  // The youngest says that it goes, or just closes its connection.
  asio::awaitable<void> LetOneLeave();
  void KillOne();
  // All say that they go.
  asio::awaitable<void> LetAllLeave();
  // Ends the program when it takes too long.
  asio::awaitable<void> AwaitFinal();

 private:
  struct Person {
    std::unique_ptr<AsyncConnection> connection;
    std::unique_ptr<GroupMember> member;
    std::unique_ptr<asio::steady_timer> heart;
    bool gone = false;
    bool is_running = false;
  };

  asio::awaitable<void> Live(std::shared_ptr<Person> person);
  asio::awaitable<void> LetLeave(std::shared_ptr<Person> person);
  bool IsFinal() const;

  asio::io_context& context_;
  const CrowdOptions options_;
  int next_ = 0;
  std::vector<std::shared_ptr<Person>> people_;  // Shared with their coroutines, which outlive the leaving.
  asio::steady_timer changed_;                   // Cancelled at each change.
};

}  // namespace sluice::bench
