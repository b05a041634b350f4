// How many commits, or fetches, of offsets a broker answers in a second.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <vector>

#include "tests/support/async_connection.h"
#include "tests/support/group_member.h"

namespace sluice::bench {

enum class Committers {
  kMembers,  // Of one group, in one generation.
  kSimple,   // Of no group: each one's offsets stand under a name of its own.
};
enum class OffsetCall { kCommit, kFetch };

struct CommitLoad {
  AsyncConnection::Options connection = {};
  GroupMemberOptions member = {};  // `group`: a name to begin with.
  GroupProtocol protocol = GroupProtocol::kClassic;
  Committers committers = Committers::kMembers;
  OffsetCall call = OffsetCall::kCommit;
  int members = 1;
  int partitions = 1;  // In each request.
  int in_flight = 1;   // Of each member.
  std::chrono::milliseconds time{3'000};
};

struct CommitFigures {
  double per_second = 0;
  double p50_us = 0;
  double p99_us = 0;
};

// Runs the context until it is done.
CommitFigures MeasureCommits(asio::io_context& context, const CommitLoad& load);

}  // namespace sluice::bench
