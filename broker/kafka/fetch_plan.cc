#include "broker/kafka/fetch_plan.h"

#include <algorithm>

#include "broker/kafka/error_map.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::FetchRequest;
using Answer = kafka::FetchResponse::PartitionData;

constexpr int16_t kZstdFrom = 10;
constexpr int16_t kCurrentLeaderFrom = 12;
constexpr int16_t kTopicIdsFrom = 13;
constexpr int8_t kReadCommitted = 1;

// A follower may read what consumers may not see yet, so nobody gets to be one by saying so (CVE-2018-1288):
// this broker has no followers.
bool ClaimsToBeFollower(const Request& request) {
  return request.replica_id >= 0 || request.replica_state.replica_id >= 0;
}

bool IsLeaderEpochError(ErrorCode code) {
  return code == ErrorCode::kFencedLeaderEpoch || code == ErrorCode::kUnknownLeaderEpoch;
}

class Planner {
 public:
  Planner(const Request& request, const FetchScope& scope, MayBlock may_block)
      : request_(request),
        scope_(scope),
        may_block_(may_block == MayBlock::kYes),
        is_follower_(ClaimsToBeFollower(request)),
        bytes_left_(
            std::min<uint64_t>(static_cast<uint64_t>(std::max(request.max_bytes, 0)), scope.bytes_max)) {}

  FetchPlan Make() {
    for (const auto& asked : request_.topics) {
      auto& answer = plan_.response.responses.emplace_back();
      answer.topic = asked.topic;
      answer.topic_id = asked.topic_id;
      const TopicLookup topic = scope_.version >= kTopicIdsFrom
                                    ? FindTopicById(scope_.catalog, asked.topic_id)
                                    : FindTopicByName(scope_.catalog, asked.topic);
      for (const auto& partition : asked.partitions) {
        PlanPartition(partition, topic, &answer.partitions.emplace_back());
        if (plan_.would_block) {
          return std::move(plan_);
        }
      }
    }
    return std::move(plan_);
  }

 private:
  void PlanPartition(const Request::FetchPartition& asked, const TopicLookup& topic, Answer* answer) {
    ++answer_count_;
    answer->partition_index = asked.partition;
    answer->high_watermark = -1;
    answer->records.emplace();
    if (request_.isolation_level == kReadCommitted) {
      answer->aborted_transactions.emplace();
    }
    const PartitionLookup found = FindOnlinePartition(topic, asked.partition);
    if (found.partition == nullptr) {
      return Refuse(found.error, answer);
    }
    Partition& partition = *found.partition;
    if (const ErrorCode error = Check(asked, *topic.topic, partition); error != ErrorCode::kNone) {
      if (IsLeaderEpochError(error) && scope_.version >= kCurrentLeaderFrom) {
        answer->current_leader.leader_id = scope_.node_id.value();
        answer->current_leader.leader_epoch = partition.leader_epoch().value();
      }
      return Refuse(error, answer);
    }
    FetchPlan::Watched watched{.topic = topic.topic,
                               .partition = topic.topic->Share(partition.id()),
                               .answer_index = answer_count_ - 1,
                               .high_watermark = partition.high_watermark(),
                               .log_start = partition.log().start()};
    answer->high_watermark = watched.high_watermark.value();
    answer->last_stable_offset = partition.last_stable_offset().value();
    answer->log_start_offset = watched.log_start.value();
    if (!Diverges(asked, partition, answer)) {
      watched.at_end = Read(asked, *topic.topic, partition, watched.high_watermark, answer);
      plan_.can_grow |= watched.at_end;
      plan_.watched.push_back(std::move(watched));
    }
  }

  ErrorCode Check(const Request::FetchPartition& asked, const Topic& topic,
                  const Partition& partition) const {
    if (is_follower_ || partition.closed()) {
      return ErrorCode::kNotLeaderOrFollower;
    }
    if (topic.config.codec() == record::Codec::kZstd && scope_.version < kZstdFrom) {
      return ErrorCode::kUnsupportedCompressionType;  // KIP-110: such a client could not open it.
    }
    return CheckLeaderEpoch(asked.current_leader_epoch, partition);
  }

  void Refuse(ErrorCode error, Answer* answer) {
    answer->error_code = kafka::ToWire(error);
    plan_.is_final = true;
  }

  // KIP-595: the client tells the epoch of the last record it has; if our log's records of that epoch end
  // earlier, the client's log went another way.
  bool Diverges(const Request::FetchPartition& asked, Partition& partition, Answer* answer) {
    if (asked.last_fetched_epoch < 0) {
      return false;
    }
    const LeaderEpoch last_fetched(asked.last_fetched_epoch);
    const auto end = partition.FindEpochEnd(last_fetched);
    if (!end.has_value() || asked.fetch_offset < answer->log_start_offset) {
      Refuse(ErrorCode::kOffsetOutOfRange, answer);
      return true;
    }
    if (end->epoch >= last_fetched && end->end_offset.value() >= asked.fetch_offset) {
      return false;
    }
    answer->diverging_epoch.epoch = end->epoch.value();
    answer->diverging_epoch.end_offset = end->end_offset.value();
    plan_.is_final = true;
    return true;
  }

  // Segment by segment until the partition's share is used up or its readable end is reached: then true.
  bool Read(const Request::FetchPartition& asked, const Topic& topic, Partition& partition, Offset limit,
            Answer* answer) {
    const ReadCursors::Key key{.topic = topic.id, .partition = partition.id()};
    storage::ReadCursor cursor = scope_.cursors.Get(key);
    Offset offset(asked.fetch_offset);
    if (offset > limit && offset <= partition.log().end()) {
      return true;  // Appended, and not yet to be seen: nothing to read, and no error.
    }
    uint64_t share =
        std::min<uint64_t>(static_cast<uint64_t>(std::max(asked.partition_max_bytes, 0)), bytes_left_);
    FileParts ranges;
    uint64_t size = 0;
    do {
      const storage::ReadRequest read{.offset = offset,
                                      .limit = limit,
                                      .max_bytes = share,
                                      .at_least_one_batch = plan_.bytes == 0 && size == 0};
      const storage::ReadOutcome outcome =
          may_block_ ? partition.log().Read(read, &cursor) : partition.log().TryRead(read, &cursor);
      if (outcome.code == storage::ReadCode::kWouldBlock) {
        plan_.would_block = true;
        return false;
      }
      if (outcome.code != storage::ReadCode::kOk) {
        // What was found in earlier segments is still good; the error will be there next time.
        if (size == 0) {
          Refuse(CodeOf(outcome.code), answer);
        }
        break;
      }
      if (outcome.range.size == 0) {
        break;
      }
      size += outcome.range.size;
      share -= std::min(share, outcome.range.size);
      offset = cursor.next_offset;
      ranges.push_back(outcome.range);
    } while (share > 0 && offset < limit);
    if (size > 0) {
      Give(std::move(ranges), size, answer);
      plan_.moved.push_back({key, cursor});
    }
    return offset >= limit;
  }

  void Give(FileParts ranges, uint64_t size, Answer* answer) {
    answer->records->external_size = size;
    answer->records->external_id = static_cast<uint32_t>(plan_.parts.size());
    plan_.parts.push_back(std::move(ranges));
    plan_.bytes += size;
    bytes_left_ -= std::min(bytes_left_, size);
  }

  const Request& request_;
  const FetchScope& scope_;
  const bool may_block_;
  const bool is_follower_;
  uint64_t bytes_left_;
  size_t answer_count_ = 0;
  FetchPlan plan_;
};

}  // namespace

FetchPlan PlanFetch(const Request& request, const FetchScope& scope, MayBlock may_block) {
  return Planner(request, scope, may_block).Make();
}

bool IsStale(const FetchPlan::Watched& watched) {
  return watched.partition->high_watermark() != watched.high_watermark ||
         watched.partition->log().start() != watched.log_start || watched.partition->closed() ||
         watched.partition->offline();
}

bool IsStale(const FetchPlan& plan) {
  return std::ranges::any_of(plan.watched,
                             [](const FetchPlan::Watched& watched) { return IsStale(watched); });
}

}  // namespace sluice::broker
