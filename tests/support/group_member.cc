#include "tests/support/group_member.h"

#include <utility>

#include "proto/kafka/gen/find_coordinator.h"
#include "tests/support/classic_group_member.h"
#include "tests/support/consumer_group_member.h"

namespace sluice {
namespace {

using kafka::ErrorCode;

constexpr int16_t kFindCoordinatorVersion = 3;

}  // namespace

ErrorCode ErrorOf(int16_t wire) {
  return static_cast<ErrorCode>(wire);
}

asio::awaitable<ErrorCode> GroupMember::FindCoordinator() {
  kafka::FindCoordinatorRequest request;
  request.key = options_.group;
  const auto answer = co_await connection_.Call(request, kFindCoordinatorVersion);
  co_return answer ? ErrorOf(answer->error_code) : ErrorCode::kNetworkException;
}

kafka::OffsetCommitRequest GroupMember::CommitRequest(const OffsetsByPartition& offsets) const {
  kafka::OffsetCommitRequest request;
  request.group_id = options_.group;
  request.generation_id_or_member_epoch = epoch_;
  request.member_id = member_id_;
  request.group_instance_id = options_.instance_id;
  auto& topic = request.topics.emplace_back();
  topic.name = options_.topic;
  for (const auto& [partition, offset] : offsets) {
    auto& committed = topic.partitions.emplace_back();
    committed.partition_index = partition;
    committed.committed_offset = offset;
  }
  return request;
}

asio::awaitable<ErrorCode> GroupMember::Commit(const OffsetsByPartition& offsets) {
  const kafka::OffsetCommitRequest request = CommitRequest(offsets);
  const auto answer = co_await connection_.Call(request, kCommitVersion);
  if (!answer) {
    co_return ErrorCode::kNetworkException;
  }
  CHECK_EQ(answer->topics.size(), 1u);
  CHECK_EQ(answer->topics[0].partitions.size(), offsets.size());
  for (const auto& partition : answer->topics[0].partitions) {
    if (partition.error_code != 0) {
      co_return ErrorOf(partition.error_code);
    }
  }
  co_return ErrorCode::kNone;
}

kafka::OffsetFetchRequest GroupMember::FetchRequest(const std::vector<int32_t>& partitions) const {
  kafka::OffsetFetchRequest request;
  auto& group = request.groups.emplace_back();
  group.group_id = options_.group;
  if (asks_as_member()) {
    group.member_id = member_id_;
    group.member_epoch = epoch_;
  }
  auto& topic = group.topics.emplace().emplace_back();
  topic.name = options_.topic;
  topic.partition_indexes = partitions;
  request.require_stable = true;
  return request;
}

asio::awaitable<GroupMember::Committed> GroupMember::FetchCommitted(const std::vector<int32_t>& partitions) {
  const kafka::OffsetFetchRequest request = FetchRequest(partitions);
  const auto answer = co_await connection_.Call(request, kFetchVersion);
  Committed committed;
  if (!answer) {
    committed.error = ErrorCode::kNetworkException;
    co_return committed;
  }
  CHECK_EQ(answer->groups.size(), 1u);
  committed.error = ErrorOf(answer->groups[0].error_code);
  for (const auto& found : answer->groups[0].topics) {
    for (const auto& partition : found.partitions) {
      committed.offsets[partition.partition_index] = partition.committed_offset;
      if (committed.error == ErrorCode::kNone) {
        committed.error = ErrorOf(partition.error_code);
      }
    }
  }
  CHECK(committed.error != ErrorCode::kNone || committed.offsets.size() == partitions.size());
  co_return committed;
}

std::unique_ptr<GroupMember> NewGroupMember(GroupProtocol protocol, AsyncConnection& connection,
                                            GroupMemberOptions options) {
  if (protocol == GroupProtocol::kClassic) {
    return std::make_unique<ClassicGroupMember>(connection, std::move(options));
  }
  return std::make_unique<ConsumerGroupMember>(connection, std::move(options));
}

}  // namespace sluice
