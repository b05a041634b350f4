// DeleteRecords (21): moves the start of partitions forward.
//
//   v0, v1 the same      v2 flexible
//
// Answered when the new start is on the disk: there is no replica to wait for, so the timeout means nothing.
// The response has no room for messages, only for codes.
#include "absl/container/flat_hash_map.h"
#include "broker/kafka/handlers.h"
#include "broker/kafka/partition_lookup.h"
#include "broker/net/disk_pool.h"
#include "broker/topic/delete_records.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::DeleteRecordsRequest;
using Response = kafka::DeleteRecordsResponse;
using Counts = absl::flat_hash_map<std::pair<absl::string_view, int32_t>, int>;

Counts CountPartitions(const Request& request) {
  Counts counts;
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      ++counts[{topic.name, partition.partition_index}];
    }
  }
  return counts;
}

// Blocks.
DeleteRecordsVerdict Delete(const TopicLookup& topic, int32_t index, int64_t before) {
  const PartitionLookup found = FindPartition(topic, index);
  if (found.partition == nullptr) {
    return {.code = found.error};
  }
  DeleteRecordsVerdict verdict = CheckDeleteRecords(*topic.topic, *found.partition, before);
  return verdict.ok() ? DeleteRecordsBefore(*found.partition, before) : verdict;
}

// Blocks.
Response DeleteAll(const Request& request, const Services& services) {
  const Counts counts = CountPartitions(request);
  Response response;
  for (const auto& asked : request.topics) {
    auto& answer = response.topics.emplace_back();
    answer.name = asked.name;
    const TopicLookup topic = FindTopicByName(services.catalog, asked.name);
    for (const auto& partition : asked.partitions) {
      const bool duplicate = counts.at({asked.name, partition.partition_index}) > 1;
      const DeleteRecordsVerdict verdict = duplicate
                                               ? DeleteRecordsVerdict{.code = ErrorCode::kInvalidRequest}
                                               : Delete(topic, partition.partition_index, partition.offset);
      auto& result = answer.partitions.emplace_back();
      result.partition_index = partition.partition_index;
      result.low_watermark = verdict.low_watermark.value();
      result.error_code = kafka::ToWire(verdict.code);
    }
  }
  return response;
}

}  // namespace

asio::awaitable<kafka::DeleteRecordsResponse> HandleDeleteRecords(const Request& request, Call& call) {
  co_return co_await OnPool(call.services.pool, [&] { return DeleteAll(request, call.services); });
}

}  // namespace sluice::broker
