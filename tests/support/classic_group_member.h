// The classic protocol's side of group_member.h. Eager: what it holds is given back before it joins again.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/kafka/gen/join_group.h"
#include "tests/support/group_member.h"

namespace sluice {

class ClassicGroupMember final : public GroupMember {
 public:
  ClassicGroupMember(AsyncConnection& connection, GroupMemberOptions options)
      : GroupMember(connection, std::move(options), -1) {}

  asio::awaitable<kafka::ErrorCode> Step() override;
  bool is_settled() const override { return phase_ == Phase::kStable; }
  std::vector<int32_t> giving_up() const override {
    return phase_ == Phase::kJoin ? held_ : std::vector<int32_t>();
  }
  int32_t heartbeat_interval_ms() const override { return options_.session_timeout_ms / 5; }
  asio::awaitable<kafka::ErrorCode> Leave(bool for_good) override;

 private:
  enum class Phase { kJoin, kSync, kStable };
  struct Peer {
    std::string name;  // What ranges go by: the instance id, where there is one.
    std::string member_id;
  };

  asio::awaitable<kafka::ErrorCode> Join();
  asio::awaitable<kafka::ErrorCode> Sync();
  asio::awaitable<kafka::ErrorCode> Beat();
  void TakeJoined(const kafka::JoinGroupResponse& answer);
  kafka::ErrorCode GoBackAfter(kafka::ErrorCode error);
  Bytes RangeOf(size_t peer) const;
  bool asks_as_member() const override { return false; }

  Phase phase_ = Phase::kJoin;
  std::string protocol_;
  std::vector<Peer> peers_;  // Of the leader that is to hand out, in the order of the ranges; else empty.
};

}  // namespace sluice
