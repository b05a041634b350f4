#include "tests/support/consumer_group_member.h"

#include <algorithm>
#include <iterator>

namespace sluice {
namespace {

using kafka::ErrorCode;

constexpr int16_t kVersion = 1;
constexpr int32_t kJoins = 0;
constexpr int32_t kLeaves = -1;
constexpr int32_t kLeavesForAWhile = -2;

}  // namespace

std::vector<int32_t> ConsumerGroupMember::giving_up() const {
  std::vector<int32_t> partitions;
  std::set_difference(held_.begin(), held_.end(), assigned_.begin(), assigned_.end(),
                      std::back_inserter(partitions));
  return partitions;
}

asio::awaitable<ErrorCode> ConsumerGroupMember::Step() {
  held_ = assigned_;
  const kafka::ConsumerGroupHeartbeatRequest request = NextRequest();
  const auto answer = co_await connection_.Call(request, kVersion);
  if (!answer) {
    tell_all_ = true;
    co_return ErrorCode::kNetworkException;
  }
  const ErrorCode error = ErrorOf(answer->error_code);
  if (error == ErrorCode::kNone) {
    tell_all_ = false;
    must_report_ = false;
    epoch_ = answer->member_epoch;
    heartbeat_interval_ms_ = answer->heartbeat_interval_ms;
    TakeAssigned(*answer);
  } else if (error == ErrorCode::kUnknownMemberId || error == ErrorCode::kFencedMemberEpoch) {
    StartOver();
  } else {
    tell_all_ = true;
  }
  co_return error;
}

kafka::ConsumerGroupHeartbeatRequest ConsumerGroupMember::NextRequest() const {
  kafka::ConsumerGroupHeartbeatRequest request;
  request.group_id = options_.group;
  request.member_id = member_id_;
  request.member_epoch = epoch_;
  if (tell_all_ || must_report_ || epoch_ == kJoins) {
    auto& owned = request.topic_partitions.emplace();
    if (!held_.empty() && epoch_ != kJoins) {
      auto& topic = owned.emplace_back();
      topic.topic_id = options_.topic_id;
      topic.partitions = held_;
    }
  }
  if (tell_all_ || epoch_ == kJoins) {
    request.instance_id = options_.instance_id;
    request.rebalance_timeout_ms = options_.rebalance_timeout_ms;
    request.subscribed_topic_names.emplace().push_back(options_.topic);
  }
  return request;
}

void ConsumerGroupMember::TakeAssigned(const kafka::ConsumerGroupHeartbeatResponse& answer) {
  if (!answer.assignment) {
    return;
  }
  assigned_.clear();
  for (const auto& topic : answer.assignment->topic_partitions) {
    CHECK(topic.topic_id == options_.topic_id);
    assigned_.insert(assigned_.end(), topic.partitions.begin(), topic.partitions.end());
  }
  std::sort(assigned_.begin(), assigned_.end());
  must_report_ = assigned_ != held_;
  const std::vector<int32_t> leaving = giving_up();
  held_ = assigned_;
  held_.insert(held_.end(), leaving.begin(), leaving.end());
  std::sort(held_.begin(), held_.end());
}

void ConsumerGroupMember::StartOver() {
  epoch_ = kJoins;
  held_.clear();
  assigned_.clear();
  must_report_ = false;
  tell_all_ = true;
}

asio::awaitable<ErrorCode> ConsumerGroupMember::Leave(bool for_good) {
  kafka::ConsumerGroupHeartbeatRequest request;
  request.group_id = options_.group;
  request.member_id = member_id_;
  request.member_epoch = options_.instance_id && !for_good ? kLeavesForAWhile : kLeaves;
  request.instance_id = options_.instance_id;
  const auto answer = co_await connection_.Call(request, kVersion);
  co_return answer ? ErrorOf(answer->error_code) : ErrorCode::kNetworkException;
}

}  // namespace sluice
