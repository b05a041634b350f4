// ListOffsets (2): offsets by time, and the special ones.
//
//   v1 one offset per partition      v2 isolation level      v4 leader epochs      v6 flexible
//   v7 -3 largest timestamp          v8 -4 earliest local    v9 -5 latest tiered
//   v10 timeout for tiered look-ups  v11 -6 earliest to be uploaded
//
// There is no tier: -4 is the log's start, -5 and -6 name nothing. A time is searched per record, also among
// timestamps out of order; a time that no record reaches is answered with offset -1 and no error.

#include "absl/container/flat_hash_map.h"
#include "broker/kafka/error_map.h"
#include "broker/kafka/handlers.h"
#include "broker/kafka/partition_lookup.h"
#include "broker/net/disk_pool.h"
#include "proto/kafka/error_code.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::ListOffsetsRequest;
using Result = kafka::ListOffsetsResponse::ListOffsetsPartitionResponse;

constexpr int64_t kLatest = -1;
constexpr int64_t kEarliest = -2;
constexpr int64_t kMaxTimestamp = -3;
constexpr int64_t kEarliestLocal = -4;
constexpr int64_t kLatestTiered = -5;
constexpr int64_t kEarliestPendingUpload = -6;

// The first version in which a timestamp means something; none for what no version knows.
bool IsKnown(int64_t timestamp, int16_t version) {
  switch (timestamp) {
    case kMaxTimestamp:
      return version >= 7;
    case kEarliestLocal:
      return version >= 8;
    case kLatestTiered:
      return version >= 9;
    case kEarliestPendingUpload:
      return version >= 11;
    default:
      return timestamp >= kEarliest;
  }
}

// Only these read the log.
bool NeedsSearch(int64_t timestamp) {
  return timestamp >= 0 || timestamp == kMaxTimestamp;
}

bool NeedsSearch(const Request& request) {
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      if (NeedsSearch(partition.timestamp)) {
        return true;
      }
    }
  }
  return false;
}

void Search(int64_t timestamp, Partition& partition, Result* result) {
  const Offset limit = partition.last_stable_offset();
  const auto found = timestamp == kMaxTimestamp ? partition.log().FindMaxTimestamp(limit)
                                                : partition.log().FindTimestamp(timestamp, limit);
  if (!found.ok()) {
    result->error_code = kafka::ToWire(CodeOf(found.status()));
  } else if (found->has_value()) {
    result->timestamp = (*found)->timestamp_ms;
    result->offset = (*found)->offset.value();
    result->leader_epoch = (*found)->leader_epoch.value();
  }
}

// The epoch of the log's first record; ours when there is none yet.
LeaderEpoch EpochAtStart(Partition& partition) {
  const LeaderEpoch epoch = partition.log().EpochOf(partition.log().start());
  return epoch.value() >= 0 ? epoch : partition.leader_epoch();
}

void Find(int64_t timestamp, Partition& partition, Result* result) {
  switch (timestamp) {
    case kLatest:
      result->offset = partition.last_stable_offset().value();
      result->leader_epoch = partition.leader_epoch().value();
      return;
    case kEarliest:
    case kEarliestLocal:
      result->offset = partition.log().start().value();
      result->leader_epoch = EpochAtStart(partition).value();
      return;
    case kLatestTiered:
    case kEarliestPendingUpload:
      return;
    default:
      Search(timestamp, partition, result);
  }
}

ErrorCode Check(const Request::ListOffsetsPartition& asked, int16_t version, const PartitionLookup& found) {
  if (!IsKnown(asked.timestamp, version)) {
    return ErrorCode::kUnsupportedVersion;
  }
  return found.partition == nullptr ? found.error
                                    : CheckLeaderEpoch(asked.current_leader_epoch, *found.partition);
}

constexpr int16_t kLeaderEpochsFrom = 4;

Result Answer(const Request::ListOffsetsPartition& asked, int16_t version, const TopicLookup& topic,
              bool duplicate) {
  Result result;
  result.partition_index = asked.partition_index;
  const PartitionLookup found = FindOnlinePartition(topic, asked.partition_index);
  const ErrorCode error = duplicate ? ErrorCode::kInvalidRequest : Check(asked, version, found);
  if (error == ErrorCode::kNone) {
    Find(asked.timestamp, *found.partition, &result);
    if (version < kLeaderEpochsFrom) {
      result.leader_epoch = kNoLeaderEpoch.value();
    }
  } else {
    result.error_code = kafka::ToWire(error);
  }
  return result;
}

using Counts = absl::flat_hash_map<std::pair<std::string, int32_t>, int>;

Counts CountPartitions(const Request& request) {
  Counts counts;
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      ++counts[{topic.name, partition.partition_index}];
    }
  }
  return counts;
}

kafka::ListOffsetsResponse AnswerAll(const Request& request, int16_t version, const Catalog& catalog) {
  const Counts counts = CountPartitions(request);
  kafka::ListOffsetsResponse response;
  for (const auto& asked : request.topics) {
    auto& answer = response.topics.emplace_back();
    answer.name = asked.name;
    const TopicLookup topic = FindTopicByName(catalog, asked.name);
    for (const auto& partition : asked.partitions) {
      const bool duplicate = counts.at({asked.name, partition.partition_index}) > 1;
      answer.partitions.push_back(Answer(partition, version, topic, duplicate));
    }
  }
  return response;
}

}  // namespace

asio::awaitable<kafka::ListOffsetsResponse> HandleListOffsets(const Request& request, Call& call) {
  const auto answer = [&request, &call] { return AnswerAll(request, call.version(), call.services.catalog); };
  if (NeedsSearch(request)) {
    co_return co_await OnPool(call.services.pool, answer);
  }
  co_return answer();
}

}  // namespace sluice::broker
