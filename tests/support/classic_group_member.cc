#include "tests/support/classic_group_member.h"

#include <algorithm>

#include "proto/kafka/gen/consumer_protocol.h"
#include "proto/kafka/gen/heartbeat.h"
#include "proto/kafka/gen/leave_group.h"
#include "proto/kafka/gen/sync_group.h"

namespace sluice {
namespace {

using kafka::ErrorCode;

constexpr int16_t kJoinVersion = 9;
constexpr int16_t kSyncVersion = 5;
constexpr int16_t kHeartbeatVersion = 4;
constexpr int16_t kLeaveVersion = 5;
constexpr int16_t kConsumerVersion = 0;
constexpr const char* kProtocolType = "consumer";
constexpr const char* kRange = "range";

template <class Message>
Bytes EncodeForPeers(const Message& message) {
  kafka::WireWriter out;
  out.WriteInt16(kConsumerVersion);
  message.Encode(out, kConsumerVersion);
  CHECK(out.ok());
  return out.Take();
}

std::vector<int32_t> DecodeAssignment(ByteView bytes) {
  std::vector<int32_t> partitions;
  if (bytes.empty()) {
    return partitions;
  }
  kafka::WireReader in(bytes);
  const int16_t version = in.ReadInt16();
  kafka::ConsumerProtocolAssignment assignment;
  assignment.Decode(in, version);
  CHECK(in.ok());
  for (const auto& topic : assignment.assigned_partitions) {
    partitions.insert(partitions.end(), topic.partitions.begin(), topic.partitions.end());
  }
  std::sort(partitions.begin(), partitions.end());
  return partitions;
}

}  // namespace

asio::awaitable<ErrorCode> ClassicGroupMember::Step() {
  if (phase_ == Phase::kJoin) {
    co_return co_await Join();
  }
  if (phase_ == Phase::kSync) {
    co_return co_await Sync();
  }
  co_return co_await Beat();
}

asio::awaitable<ErrorCode> ClassicGroupMember::Join() {
  held_.clear();
  kafka::ConsumerProtocolSubscription subscription;
  subscription.topics = {options_.topic};
  const Bytes metadata = EncodeForPeers(subscription);
  kafka::JoinGroupRequest request;
  request.group_id = options_.group;
  request.session_timeout_ms = options_.session_timeout_ms;
  request.rebalance_timeout_ms = options_.rebalance_timeout_ms;
  request.group_instance_id = options_.instance_id;
  request.protocol_type = kProtocolType;
  auto& protocol = request.protocols.emplace_back();
  protocol.name = kRange;
  protocol.metadata = metadata;
  ErrorCode error = ErrorCode::kMemberIdRequired;
  for (int attempt = 0; attempt < 2 && error == ErrorCode::kMemberIdRequired; ++attempt) {
    request.member_id = member_id_;
    const auto answer = co_await connection_.Call(request, kJoinVersion);
    if (!answer) {
      co_return ErrorCode::kNetworkException;
    }
    error = ErrorOf(answer->error_code);
    if (error == ErrorCode::kNone) {
      TakeJoined(*answer);
    } else if (error == ErrorCode::kMemberIdRequired) {
      member_id_ = answer->member_id;
    }
  }
  co_return GoBackAfter(error);
}

void ClassicGroupMember::TakeJoined(const kafka::JoinGroupResponse& answer) {
  member_id_ = answer.member_id;
  epoch_ = answer.generation_id;
  protocol_ = answer.protocol_name.value_or("");
  phase_ = Phase::kSync;
  peers_.clear();
  if (answer.leader != member_id_ || answer.skip_assignment) {
    return;
  }
  for (const auto& member : answer.members) {
    peers_.push_back({member.group_instance_id.value_or(member.member_id), member.member_id});
  }
  std::sort(peers_.begin(), peers_.end(), [](const Peer& a, const Peer& b) { return a.name < b.name; });
}

// The first of the ranges are one longer where they cannot be equal.
Bytes ClassicGroupMember::RangeOf(size_t peer) const {
  const auto partitions = static_cast<size_t>(options_.partitions);
  const size_t each = partitions / peers_.size();
  const size_t longer = partitions % peers_.size();
  const size_t begin = peer * each + std::min(peer, longer);
  const size_t end = begin + each + (peer < longer ? 1 : 0);
  kafka::ConsumerProtocolAssignment assignment;
  auto& topic = assignment.assigned_partitions.emplace_back();
  topic.topic = options_.topic;
  for (size_t partition = begin; partition < end; ++partition) {
    topic.partitions.push_back(static_cast<int32_t>(partition));
  }
  return EncodeForPeers(assignment);
}

asio::awaitable<ErrorCode> ClassicGroupMember::Sync() {
  std::vector<Bytes> ranges;
  for (size_t peer = 0; peer < peers_.size(); ++peer) {
    ranges.push_back(RangeOf(peer));
  }
  kafka::SyncGroupRequest request;
  request.group_id = options_.group;
  request.generation_id = epoch_;
  request.member_id = member_id_;
  request.group_instance_id = options_.instance_id;
  request.protocol_type = kProtocolType;
  request.protocol_name = protocol_;
  for (size_t peer = 0; peer < peers_.size(); ++peer) {
    auto& assignment = request.assignments.emplace_back();
    assignment.member_id = peers_[peer].member_id;
    assignment.assignment = ranges[peer];
  }
  const auto answer = co_await connection_.Call(request, kSyncVersion);
  if (!answer) {
    co_return ErrorCode::kNetworkException;
  }
  if (answer->error_code == 0) {
    held_ = DecodeAssignment(answer->assignment);
    phase_ = Phase::kStable;
  }
  co_return GoBackAfter(ErrorOf(answer->error_code));
}

asio::awaitable<ErrorCode> ClassicGroupMember::Beat() {
  kafka::HeartbeatRequest request;
  request.group_id = options_.group;
  request.generation_id = epoch_;
  request.member_id = member_id_;
  request.group_instance_id = options_.instance_id;
  const auto answer = co_await connection_.Call(request, kHeartbeatVersion);
  co_return GoBackAfter(answer ? ErrorOf(answer->error_code) : ErrorCode::kNetworkException);
}

// A rebalance leaves it what it holds until it joins; whoever is thrown out holds nothing any more.
ErrorCode ClassicGroupMember::GoBackAfter(ErrorCode error) {
  switch (error) {
    case ErrorCode::kRebalanceInProgress:
      phase_ = Phase::kJoin;
      return error;
    case ErrorCode::kUnknownMemberId:
    case ErrorCode::kFencedInstanceId:
      member_id_.clear();
      [[fallthrough]];
    case ErrorCode::kIllegalGeneration:
      phase_ = Phase::kJoin;
      epoch_ = -1;
      held_.clear();
      return error;
    default:
      return error;
  }
}

asio::awaitable<ErrorCode> ClassicGroupMember::Leave(bool for_good) {
  if (options_.instance_id && !for_good) {
    co_return ErrorCode::kNone;
  }
  kafka::LeaveGroupRequest request;
  request.group_id = options_.group;
  auto& member = request.members.emplace_back();
  member.member_id = member_id_;
  member.group_instance_id = options_.instance_id;
  const auto answer = co_await connection_.Call(request, kLeaveVersion);
  if (!answer) {
    co_return ErrorCode::kNetworkException;
  }
  if (answer->error_code != 0) {
    co_return ErrorOf(answer->error_code);
  }
  CHECK_EQ(answer->members.size(), 1u);
  co_return ErrorOf(answer->members[0].error_code);
}

}  // namespace sluice
