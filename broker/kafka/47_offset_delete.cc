// OffsetDelete (47): a group forgets offsets that it has committed, of topics that no member reads.
//
//   v0, never flexible
#include <utility>

#include "broker/kafka/group_call.h"
#include "broker/kafka/handlers.h"
#include "broker/kafka/partition_lookup.h"
#include "broker/kafka/reply_later.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::OffsetDeleteRequest;
using Response = kafka::OffsetDeleteResponse;

// `each`: one code for every partition that is in `response` without one.
void Fill(ErrorCode group_error, const std::vector<ErrorCode>& each, Response* response) {
  if (group_error != ErrorCode::kNone) {
    response->topics.clear();
    response->error_code = kafka::ToWire(group_error);
    return;
  }
  size_t next = 0;
  for (auto& topic : response->topics) {
    for (auto& partition : topic.partitions) {
      if (partition.error_code == kafka::ToWire(ErrorCode::kNone)) {
        partition.error_code = kafka::ToWire(each[next++]);
      }
    }
  }
}

}  // namespace

asio::awaitable<void> HandleOffsetDelete(const Request& request, Call& call) {
  kafka::OffsetDeleteResponse response;
  std::vector<TopicPartition> known;
  for (const auto& asked : request.topics) {
    const TopicLookup topic = FindTopicByName(call.services.catalog, asked.name);
    auto& answer = response.topics.emplace_back();
    answer.name = asked.name;
    for (const auto& partition : asked.partitions) {
      const PartitionLookup found = FindPartition(topic, partition.partition_index);
      auto& result = answer.partitions.emplace_back();
      result.partition_index = partition.partition_index;
      result.error_code = kafka::ToWire(found.error);
      if (found.partition != nullptr) {
        known.push_back({asked.name, PartitionId(partition.partition_index)});
      }
    }
  }
  const GroupPlace place = PlaceOfGroup(call, request.group_id, EmptyGroupId::kRefused);
  auto answer = [reply = ReplyLater(call), response = std::move(response)](
                    ErrorCode group_error, const std::vector<ErrorCode>& each) mutable {
    Fill(group_error, each, &response);
    reply(response);
  };
  if (place.shard == nullptr) {
    answer(place.error, {});
    co_return;
  }
  place.shard->DeleteOffsets(request.group_id, known, std::move(answer));
}

}  // namespace sluice::broker
