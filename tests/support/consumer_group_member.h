// KIP-848's side of group_member.h. The broker assigns; the member gives back what it must before it reports,
// and takes at once what it is given, because the broker gives nothing that another still holds.
#pragma once

#include <utility>
#include <vector>

#include "proto/kafka/gen/consumer_group_heartbeat.h"
#include "tests/support/group_member.h"

namespace sluice {

class ConsumerGroupMember final : public GroupMember {
 public:
  ConsumerGroupMember(AsyncConnection& connection, GroupMemberOptions options)
      : GroupMember(connection, std::move(options), 0) {
    member_id_ = options_.member_id;
  }

  asio::awaitable<kafka::ErrorCode> Step() override;
  bool is_settled() const override { return epoch_ > 0 && !must_report_ && giving_up().empty(); }
  std::vector<int32_t> giving_up() const override;
  int32_t heartbeat_interval_ms() const override { return heartbeat_interval_ms_; }
  asio::awaitable<kafka::ErrorCode> Leave(bool for_good) override;

 private:
  kafka::ConsumerGroupHeartbeatRequest NextRequest() const;
  void TakeAssigned(const kafka::ConsumerGroupHeartbeatResponse& answer);
  void StartOver();
  bool asks_as_member() const override { return true; }

  std::vector<int32_t> assigned_;  // By the broker; in order.
  bool must_report_ = false;       // The broker does not know yet what is held.
  bool tell_all_ = true;           // An answer may have been lost: leave out nothing.
  int32_t heartbeat_interval_ms_ = 1'000;
};

}  // namespace sluice
