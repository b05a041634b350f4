// OffsetCommit (8): how far a group has read.
//
//   v2 the first that is served      v5 no retention time      v6 leader epochs      v7 static members
//   v8 flexible      v9 STALE_MEMBER_EPOCH is known      v10 topics by id
//
// Answered when the offsets are on the disk. Partitions that are refused do not keep the others from being
// kept.
#include <algorithm>
#include <cstdint>
#include <utility>

#include "broker/kafka/group_call.h"
#include "broker/kafka/handlers.h"
#include "broker/kafka/partition_lookup.h"
#include "broker/kafka/reply_later.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::OffsetCommitRequest;
using Response = kafka::OffsetCommitResponse;

constexpr int16_t kMemberEpochsFrom = 9;
constexpr int16_t kTopicIdsFrom = 10;

// The answer as far as it is known before the group is asked, and what is left to be kept.
struct Plan {
  Response response;
  std::vector<OffsetToCommit> offsets;
};

ErrorCode Check(const Request::OffsetCommitRequestPartition& asked, const TopicLookup& topic,
                size_t metadata_max) {
  if (const PartitionLookup found = FindPartition(topic, asked.partition_index); found.partition == nullptr) {
    return found.error;
  }
  const bool too_long = asked.committed_metadata && asked.committed_metadata->size() > metadata_max;
  return too_long ? ErrorCode::kOffsetMetadataTooLarge : ErrorCode::kNone;
}

// -1: as long as the broker's configuration says.
int64_t ExpiryOf(const Request& request, int64_t now_ms) {
  const int64_t keep_ms = request.retention_time_ms;
  return keep_ms < 0 ? -1 : now_ms + std::min(keep_ms, INT64_MAX - now_ms);
}

CommittedOffset OffsetOf(const Request& request, const Request::OffsetCommitRequestPartition& asked,
                         int64_t now_ms) {
  return {.offset = Offset(asked.committed_offset),
          .leader_epoch = LeaderEpoch(asked.committed_leader_epoch),
          .metadata = asked.committed_metadata.value_or(""),
          .commit_ms = now_ms,
          .expire_ms = ExpiryOf(request, now_ms)};
}

Plan MakePlan(const Request& request, const Call& call) {
  Plan plan;
  const auto metadata_max = static_cast<size_t>(call.services.config.Int("offset.metadata.max.bytes"));
  const int64_t now_ms = call.services.clock.NowMs();
  for (const auto& asked : request.topics) {
    const TopicLookup topic = call.version() >= kTopicIdsFrom
                                  ? FindTopicById(call.services.catalog, asked.topic_id)
                                  : FindTopicByName(call.services.catalog, asked.name);
    auto& answer = plan.response.topics.emplace_back();
    answer.name = asked.name;
    answer.topic_id = asked.topic_id;
    for (const auto& partition : asked.partitions) {
      auto& result = answer.partitions.emplace_back();
      result.partition_index = partition.partition_index;
      const ErrorCode error = Check(partition, topic, metadata_max);
      result.error_code = kafka::ToWire(error);
      if (error == ErrorCode::kNone) {
        plan.offsets.push_back({{topic.topic->name, PartitionId(partition.partition_index)},
                                OffsetOf(request, partition, now_ms)});
      }
    }
  }
  return plan;
}

void SetError(ErrorCode error, Response* response) {
  for (auto& topic : response->topics) {
    for (auto& partition : topic.partitions) {
      if (partition.error_code == kafka::ToWire(ErrorCode::kNone)) {
        partition.error_code = kafka::ToWire(error);
      }
    }
  }
}

}  // namespace

asio::awaitable<void> HandleOffsetCommit(const Request& request, Call& call) {
  Plan plan = MakePlan(request, call);
  ReplyLater reply(call);
  const GroupPlace place = PlaceOfGroup(call, request.group_id, EmptyGroupId::kAllowed);
  if (place.shard == nullptr) {
    SetError(place.error, &plan.response);
    reply(plan.response);
    co_return;
  }
  const MemberClaim member{.member_id = request.member_id,
                           .instance_id = request.group_instance_id,
                           .generation = request.generation_id_or_member_epoch};
  place.shard->Commit(
      request.group_id, member, std::move(plan.offsets),
      call.version() >= kMemberEpochsFrom ? CommitDialect::kMemberEpochs : CommitDialect::kGenerations,
      [reply = std::move(reply), response = std::move(plan.response)](ErrorCode error) mutable {
        SetError(error, &response);
        reply(response);
      });
}

}  // namespace sluice::broker
