#include "tests/bench/group_crowd.h"

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/base/check.h"

namespace sluice::bench {
namespace {

using Clock = std::chrono::steady_clock;
using kafka::ErrorCode;

constexpr std::chrono::seconds kPatience{300};
constexpr std::chrono::milliseconds kRetryPause{10};

}  // namespace

GroupCrowd::GroupCrowd(asio::io_context& context, CrowdOptions options)
    : context_(context), options_(std::move(options)), changed_(context) {}

void GroupCrowd::Add(int members) {
  for (int i = 0; i < members; ++i) {
    auto person = std::make_shared<Person>();
    person->connection = std::make_unique<AsyncConnection>(context_, options_.connection);
    GroupMemberOptions member = options_.member;
    member.member_id = absl::StrCat(member.group, "-", ++next_);
    person->member = NewGroupMember(options_.protocol, *person->connection, std::move(member));
    person->heart = std::make_unique<asio::steady_timer>(context_);
    person->is_running = true;
    people_.push_back(person);
    asio::co_spawn(context_, Live(person), asio::detached);
  }
}

asio::awaitable<void> GroupCrowd::Live(std::shared_ptr<Person> person) {
  GroupMember& member = *person->member;
  const bool connected = co_await person->connection->Connect();
  CHECK(connected);
  ErrorCode error = co_await member.FindCoordinator();
  const bool is_classic = options_.protocol == GroupProtocol::kClassic;
  while (!person->gone) {
    std::chrono::milliseconds pause{0};
    if (error == ErrorCode::kNone) {
      error = co_await member.Step();
      changed_.cancel();
    } else {
      pause = kRetryPause;
    }
    if (error == ErrorCode::kNone && member.is_settled()) {
      pause = std::chrono::milliseconds(is_classic ? options_.heartbeat_ms : member.heartbeat_interval_ms());
    }
    if (error == ErrorCode::kRebalanceInProgress) {
      pause = {};
    }
    error = ErrorCode::kNone;
    if (pause.count() > 0 && !person->gone) {
      person->heart->expires_after(pause);
      asio::error_code ignored;
      co_await person->heart->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
  }
  person->is_running = false;
  changed_.cancel();
}

void GroupCrowd::KillOne() {
  const std::shared_ptr<Person> person = people_.back();
  people_.pop_back();
  person->gone = true;
  person->connection->Close();
  person->heart->cancel();
}

asio::awaitable<void> GroupCrowd::LetLeave(std::shared_ptr<Person> person) {
  person->gone = true;
  person->heart->cancel();
  while (person->is_running) {  // Its request that is under way ends first.
    changed_.expires_at(Clock::time_point::max());
    asio::error_code ignored;
    co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  const ErrorCode error = co_await person->member->Leave(/*for_good=*/true);
  CHECK_EQ(static_cast<int>(error), 0);
}

asio::awaitable<void> GroupCrowd::LetOneLeave() {
  const std::shared_ptr<Person> person = people_.back();
  people_.pop_back();
  co_await LetLeave(person);
}

asio::awaitable<void> GroupCrowd::LetAllLeave() {
  while (!people_.empty()) {
    co_await LetOneLeave();
  }
}

asio::awaitable<void> GroupCrowd::AwaitFinal() {
  const Clock::time_point deadline = Clock::now() + kPatience;
  while (!IsFinal()) {
    changed_.expires_at(deadline);
    asio::error_code cancelled;
    co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    CHECK(cancelled || IsFinal());
  }
}

bool GroupCrowd::IsFinal() const {
  const auto people = static_cast<int64_t>(people_.size());
  const int64_t least = options_.member.partitions / people;
  int64_t held = 0;
  for (const auto& person : people_) {
    const GroupMember& member = *person->member;
    const auto count = static_cast<int64_t>(member.held().size());
    if (!member.is_settled() || count < least || count > least + 1) {
      return false;
    }
    if (options_.protocol == GroupProtocol::kClassic && member.epoch() != people_[0]->member->epoch()) {
      return false;
    }
    held += count;
  }
  return held == options_.member.partitions;
}

}  // namespace sluice::bench
