#include "client/internal/group_offset_messages.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "client/internal/status.h"

namespace sluice::client_internal {
namespace {

using kafka::ErrorCode;

absl::string_view AdviceFor(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnknownMemberId:
    case ErrorCode::kIllegalGeneration:
      return "the group has given these partitions to others, because this member was away for longer than "
             "session_timeout or poll_interval_max; Poll joins it again";
    case ErrorCode::kRebalanceInProgress:
      return "Poll takes part in it; what is not committed may be read once more";
    case ErrorCode::kFencedInstanceId:
      return "give each running consumer a group_instance_id of its own";
    default:
      return "";
  }
}

}  // namespace

kafka::OffsetCommitRequest MakeCommit(const std::string& group_id, const std::vector<GroupOffset>& offsets) {
  kafka::OffsetCommitRequest request;
  request.group_id = group_id;
  std::map<std::string, size_t> places;
  for (const GroupOffset& offset : offsets) {
    const auto [place, is_new] = places.try_emplace(offset.topic, request.topics.size());
    if (is_new) {
      request.topics.emplace_back().name = offset.topic;
    }
    auto& partition = request.topics[place->second].partitions.emplace_back();
    partition.partition_index = offset.partition;
    partition.committed_offset = offset.offset;
    partition.committed_leader_epoch = offset.leader_epoch;
    partition.committed_metadata = offset.metadata;
  }
  return request;
}

std::vector<ErrorCode> CodesOf(const kafka::OffsetCommitResponse& response,
                               const std::vector<GroupOffset>& offsets) {
  std::map<std::pair<absl::string_view, int32_t>, int16_t> found;
  for (const auto& topic : response.topics) {
    for (const auto& partition : topic.partitions) {
      found[{topic.name, partition.partition_index}] = partition.error_code;
    }
  }
  std::vector<ErrorCode> codes;
  for (const GroupOffset& offset : offsets) {
    const auto code = found.find({offset.topic, offset.partition});
    codes.push_back(code == found.end() ? ErrorCode::kUnknownServerError
                                        : static_cast<ErrorCode>(code->second));
  }
  return codes;
}

absl::Status CommitStatus(const std::string& group_id, const GroupOffset& offset, ErrorCode code) {
  return KafkaStatus(code,
                     absl::StrCat("commit offset ", offset.offset, " of ", offset.topic, "-",
                                  offset.partition, " for group \"", group_id, "\""),
                     {}, AdviceFor(code));
}

kafka::OffsetFetchRequest MakeFetch(const std::string& group_id,
                                    const std::vector<TopicPartition>* partitions) {
  kafka::OffsetFetchRequest request;
  request.group_id = group_id;
  if (partitions == nullptr) {
    request.topics.reset();
    return request;
  }
  request.topics.emplace();
  std::map<std::string, size_t> places;
  for (const TopicPartition& partition : *partitions) {
    const auto [place, is_new] = places.try_emplace(partition.topic, request.topics->size());
    if (is_new) {
      request.topics->emplace_back().name = partition.topic;
    }
    (*request.topics)[place->second].partition_indexes.push_back(partition.partition);
  }
  return request;
}

absl::StatusOr<std::vector<GroupOffset>> OffsetsOf(const std::string& group_id,
                                                   const kafka::OffsetFetchResponse& response) {
  const std::string what = absl::StrCat("ask for the offsets of group \"", group_id, "\"");
  RETURN_IF_ERROR(KafkaStatus(response.error_code, what));
  std::vector<GroupOffset> offsets;
  for (const auto& topic : response.topics) {
    for (const auto& partition : topic.partitions) {
      const auto code = static_cast<ErrorCode>(partition.error_code);
      if (code == ErrorCode::kUnknownTopicOrPartition) {
        continue;  // As good as nothing committed.
      }
      RETURN_IF_ERROR(
          KafkaStatus(code, absl::StrCat(what, " in ", topic.name, "-", partition.partition_index)));
      if (partition.committed_offset >= 0) {
        offsets.push_back({.topic = topic.name,
                           .partition = partition.partition_index,
                           .offset = partition.committed_offset,
                           .leader_epoch = partition.committed_leader_epoch,
                           .metadata = partition.metadata.value_or("")});
      }
    }
  }
  std::sort(offsets.begin(), offsets.end(), [](const GroupOffset& a, const GroupOffset& b) {
    return std::tie(a.topic, a.partition) < std::tie(b.topic, b.partition);
  });
  return offsets;
}

}  // namespace sluice::client_internal
