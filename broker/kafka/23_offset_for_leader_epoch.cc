// OffsetForLeaderEpoch (23): where the records of a leadership end, for clients that check whether the log
// was truncated below them (KIP-101, KIP-320).
//
//   v2 current leader epoch of the client      v3 replica id      v4 flexible
#include "broker/kafka/handlers.h"
#include "broker/kafka/partition_lookup.h"
#include "proto/kafka/error_code.h"

namespace sluice::broker {
namespace {

using Result = kafka::OffsetForLeaderEpochResponse::EpochEndOffset;

Result Answer(const kafka::OffsetForLeaderEpochRequest::OffsetForLeaderPartition& asked,
              const TopicLookup& topic) {
  Result result;
  result.partition = asked.partition;
  const PartitionLookup found = FindOnlinePartition(topic, asked.partition);
  const kafka::ErrorCode error = found.partition == nullptr
                                     ? found.error
                                     : CheckLeaderEpoch(asked.current_leader_epoch, *found.partition);
  if (error != kafka::ErrorCode::kNone) {
    result.error_code = kafka::ToWire(error);
    return result;
  }
  if (const auto end = found.partition->FindEpochEnd(LeaderEpoch(asked.leader_epoch)); end.has_value()) {
    result.leader_epoch = end->epoch.value();
    result.end_offset = end->end_offset.value();
  }
  return result;
}

}  // namespace

kafka::OffsetForLeaderEpochResponse HandleOffsetForLeaderEpoch(
    const kafka::OffsetForLeaderEpochRequest& request, Call& call) {
  kafka::OffsetForLeaderEpochResponse response;
  for (const auto& asked : request.topics) {
    auto& answer = response.topics.emplace_back();
    answer.topic = asked.topic;
    const TopicLookup topic = FindTopicByName(call.services.catalog, asked.topic);
    for (const auto& partition : asked.partitions) {
      answer.partitions.push_back(Answer(partition, topic));
    }
  }
  return response;
}

}  // namespace sluice::broker
