#include "tests/bench/group_commits.h"

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <deque>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/base/check.h"

namespace sluice::bench {
namespace {

using Clock = std::chrono::steady_clock;
using kafka::ErrorCode;

constexpr int kStepsMax = 10'000;

int16_t FirstError(const kafka::OffsetCommitResponse& answer) {
  for (const auto& partition : answer.topics.at(0).partitions) {
    if (partition.error_code != 0) {
      return partition.error_code;
    }
  }
  return 0;
}

int16_t FirstError(const kafka::OffsetFetchResponse& answer) {
  return answer.groups.at(0).error_code;
}

class Load {
 public:
  Load(asio::io_context& context, const CommitLoad& load) : context_(context), load_(load) {}

  CommitFigures Run() {
    for (int i = 0; i < load_.members; ++i) {
      auto& connection =
          *connections_.emplace_back(std::make_unique<AsyncConnection>(context_, load_.connection));
      GroupMemberOptions member = load_.member;
      member.member_id = absl::StrCat("member-", i);
      if (load_.committers == Committers::kSimple) {
        absl::StrAppend(&member.group, "-simple-", i);
      }
      members_.push_back(NewGroupMember(load_.protocol, connection, std::move(member)));
      asio::co_spawn(context_, Commit(static_cast<size_t>(i)), asio::detached);
    }
    context_.restart();
    context_.run();
    return Summarise();
  }

 private:
  asio::awaitable<void> Commit(size_t index) {
    GroupMember& member = *members_[index];
    const bool connected = co_await connections_[index]->Connect();
    CHECK(connected);
    for (ErrorCode error = ErrorCode::kNotCoordinator; error != ErrorCode::kNone;) {
      error = co_await member.FindCoordinator();
    }
    if (load_.committers == Committers::kMembers) {
      co_await Enter(&member);
    }
    // Together, when all are there.
    if (++ready_ == load_.members) {
      begin_ = Clock::now();
      go_.cancel();
    } else {
      asio::error_code ignored;
      co_await go_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    if (load_.call == OffsetCall::kCommit) {
      co_await Flood<kafka::OffsetCommitRequest>(index, member.CommitRequest(Offsets()),
                                                 GroupMember::kCommitVersion);
    } else {
      const ErrorCode error = co_await member.Commit(Offsets());
      CHECK_EQ(static_cast<int>(error), 0);
      co_await Flood<kafka::OffsetFetchRequest>(index, member.FetchRequest(Partitions()),
                                                GroupMember::kFetchVersion);
    }
    end_ = Clock::now();
    if (load_.committers == Committers::kMembers) {
      (void)co_await member.Leave(/*for_good=*/true);
    }
  }

  // Until all are in one generation: each one that comes makes the others come back.
  asio::awaitable<void> Enter(GroupMember* member) {
    for (int step = 0; step < kStepsMax; ++step) {
      (void)co_await member->Step();
      const bool together = std::all_of(members_.begin(), members_.end(), [&](const auto& other) {
        return other->is_settled() && other->epoch() == members_[0]->epoch();
      });
      if (together) {
        co_return;
      }
      asio::steady_timer timer(context_, std::chrono::milliseconds(member->is_settled() ? 20 : 0));
      co_await timer.async_wait(asio::use_awaitable);
    }
    CHECK(false);  // It did not come to rest.
  }

  template <class Request>
  asio::awaitable<void> Flood(size_t index, Request request, int16_t version) {
    AsyncConnection& connection = *connections_[index];
    std::deque<Clock::time_point> sent;
    const Clock::time_point last = begin_ + load_.time;
    for (int i = 0; i < load_.in_flight; ++i) {
      sent.push_back(Clock::now());
      (void)co_await connection.Send(request, version);
    }
    while (!sent.empty()) {
      const auto answer = co_await connection.template Receive<typename Request::Response>();
      CHECK(answer);
      CHECK_EQ(FirstError(*answer), 0);
      const Clock::time_point now = Clock::now();
      latencies_us_.push_back(std::chrono::duration<double, std::micro>(now - sent.front()).count());
      sent.pop_front();
      if (now < last) {
        sent.push_back(now);
        (void)co_await connection.Send(request, version);
      }
    }
  }

  OffsetsByPartition Offsets() const {
    OffsetsByPartition offsets;
    for (const int32_t partition : Partitions()) {
      offsets[partition] = 1'000'000;
    }
    return offsets;
  }
  std::vector<int32_t> Partitions() const {
    std::vector<int32_t> partitions;
    for (int32_t partition = 0; partition < load_.partitions; ++partition) {
      partitions.push_back(partition);
    }
    return partitions;
  }

  CommitFigures Summarise() {
    std::sort(latencies_us_.begin(), latencies_us_.end());
    const auto count = static_cast<double>(latencies_us_.size());
    const auto at = [&](double share) { return latencies_us_[static_cast<size_t>(share * (count - 1))]; };
    return {.per_second = count / std::chrono::duration<double>(end_ - begin_).count(),
            .p50_us = at(0.5),
            .p99_us = at(0.99)};
  }

  asio::io_context& context_;
  const CommitLoad& load_;
  std::vector<std::unique_ptr<AsyncConnection>> connections_;
  std::vector<std::unique_ptr<GroupMember>> members_;
  int ready_ = 0;
  asio::steady_timer go_{context_, Clock::time_point::max()};
  Clock::time_point begin_ = {};
  Clock::time_point end_ = {};
  std::vector<double> latencies_us_;
};

}  // namespace

CommitFigures MeasureCommits(asio::io_context& context, const CommitLoad& load) {
  return Load(context, load).Run();
}

}  // namespace sluice::bench
