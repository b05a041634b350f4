// What groups have committed: asked for, set, and forgotten from outside.
#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/internal/coordinator_call.h"
#include "client/internal/group_offset_messages.h"
#include "proto/kafka/gen/offset_delete.h"
#include "sluice/admin.h"

namespace sluice {
namespace {

using client_internal::CallCoordinator;
using client_internal::KafkaStatus;
using kafka::ErrorCode;

// The code that speaks for all is any partition's: the coordinator refuses a group as a whole.
int16_t FirstCode(const kafka::OffsetCommitResponse& response) {
  for (const auto& topic : response.topics) {
    for (const auto& partition : topic.partitions) {
      const auto code = static_cast<ErrorCode>(partition.error_code);
      if (code != ErrorCode::kNone && code != ErrorCode::kUnknownTopicOrPartition) {
        return partition.error_code;
      }
    }
  }
  return 0;
}

std::string Naming(absl::string_view group_id, const TopicPartition& partition) {
  return absl::StrCat("delete the offset of group \"", group_id, "\" in ", partition.topic, "-",
                      partition.partition);
}

kafka::OffsetDeleteRequest MakeDelete(const std::string& group_id,
                                      const std::vector<TopicPartition>& partitions) {
  kafka::OffsetDeleteRequest request;
  request.group_id = group_id;
  std::map<std::string, size_t> places;
  for (const TopicPartition& partition : partitions) {
    const auto [place, is_new] = places.try_emplace(partition.topic, request.topics.size());
    if (is_new) {
      request.topics.emplace_back().name = partition.topic;
    }
    request.topics[place->second].partitions.emplace_back().partition_index = partition.partition;
  }
  return request;
}

absl::Status StatusOf(const kafka::OffsetDeleteResponse& response, const std::string& group_id,
                      const TopicPartition& asked) {
  for (const auto& topic : response.topics) {
    for (const auto& partition : topic.partitions) {
      if (topic.name == asked.topic && partition.partition_index == asked.partition) {
        const bool is_read = partition.error_code == kafka::ToWire(ErrorCode::kGroupSubscribedToTopic);
        return KafkaStatus(partition.error_code, Naming(group_id, asked),
                           is_read ? "a member of the group reads the topic" : "");
      }
    }
  }
  return absl::InternalError(
      absl::StrCat(Naming(group_id, asked), ": the broker's answer does not mention the partition"));
}

}  // namespace

absl::StatusOr<std::vector<GroupOffset>> Admin::ListGroupOffsets(std::string_view group_id) {
  const std::string name(group_id);
  ASSIGN_OR_RETURN(const auto answer, CallCoordinator(
                                          core_, name, client_internal::MakeFetch(name, nullptr),
                                          [](const auto& response) { return response.error_code; },
                                          client_internal::kOffsetFetchCap));
  return client_internal::OffsetsOf(name, answer.message);
}

absl::StatusOr<std::vector<absl::Status>> Admin::AlterGroupOffsets(std::string_view group_id,
                                                                   const std::vector<GroupOffset>& offsets) {
  std::vector<absl::Status> results;
  if (offsets.empty()) {
    return results;
  }
  const std::string name(group_id);
  ASSIGN_OR_RETURN(const auto answer, CallCoordinator(core_, name, client_internal::MakeCommit(name, offsets),
                                                      FirstCode, client_internal::kOffsetCommitCap));
  const std::vector<ErrorCode> codes = client_internal::CodesOf(answer.message, offsets);
  for (size_t i = 0; i < offsets.size(); ++i) {
    results.push_back(codes[i] == ErrorCode::kUnknownMemberId
                          ? KafkaStatus(codes[i],
                                        absl::StrCat("set an offset of group \"", name, "\" in ",
                                                     offsets[i].topic, "-", offsets[i].partition),
                                        "the group has members, which would overwrite it", "stop them first")
                          : client_internal::CommitStatus(name, offsets[i], codes[i]));
  }
  return results;
}

absl::StatusOr<std::vector<absl::Status>> Admin::DeleteGroupOffsets(
    std::string_view group_id, const std::vector<TopicPartition>& partitions) {
  std::vector<absl::Status> results;
  if (partitions.empty()) {
    return results;
  }
  const std::string name(group_id);
  ASSIGN_OR_RETURN(const auto answer,
                   CallCoordinator(core_, name, MakeDelete(name, partitions),
                                   [](const auto& response) { return response.error_code; }));
  RETURN_IF_ERROR(
      KafkaStatus(answer.message.error_code, absl::StrCat("delete offsets of group \"", name, "\"")));
  for (const TopicPartition& partition : partitions) {
    results.push_back(StatusOf(answer.message, name, partition));
  }
  return results;
}

}  // namespace sluice
