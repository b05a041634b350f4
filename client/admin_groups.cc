// Groups: which there are, what they do, and their end. admin_group_offsets.cc has their offsets.
#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/internal/consumer_protocol.h"
#include "client/internal/coordinator_call.h"
#include "proto/kafka/gen/consumer_group_describe.h"
#include "proto/kafka/gen/delete_groups.h"
#include "proto/kafka/gen/describe_groups.h"
#include "proto/kafka/gen/list_groups.h"
#include "sluice/admin.h"
#include "sluice/errors.h"

namespace sluice {
namespace {

using client_internal::CallCoordinator;
using client_internal::Core;
using client_internal::KafkaStatus;
using kafka::ErrorCode;
using ClassicGroup = kafka::DescribeGroupsResponse::DescribedGroup;
using BrokersGroup = kafka::ConsumerGroupDescribeResponse::DescribedGroup;

constexpr char kConsumers[] = "consumer";
// What brokers before 4.0 call a group that is not there.
constexpr char kDead[] = "Dead";
// From here on the states to look for can be named.
constexpr int16_t kStatesFrom = 4;

std::string Quoted(absl::string_view what, absl::string_view group_id) {
  return absl::StrCat(what, " group \"", group_id, "\"");
}

absl::Status NoSuchGroup(absl::string_view what, absl::string_view group_id) {
  return KafkaStatus(ErrorCode::kGroupIdNotFound, Quoted(what, group_id), "the group does not exist",
                     "`sluice group list` shows those that do");
}

std::vector<int32_t> NodesOf(Core& core) {
  std::vector<int32_t> nodes;
  core.loop().RunSync([&] {
    for (const auto& [node, broker] : core.metadata().brokers()) {
      nodes.push_back(node);
    }
  });
  return nodes;
}

void Sort(GroupDescription* group) {
  std::sort(group->members.begin(), group->members.end(), [](const GroupMember& a, const GroupMember& b) {
    return std::tie(a.client_id, a.member_id) < std::tie(b.client_id, b.member_id);
  });
}

GroupDescription FromClassic(const ClassicGroup& from, int32_t coordinator) {
  GroupDescription group{.group_id = from.group_id,
                         .type = "classic",
                         .state = from.group_state,
                         .assignor = from.protocol_data,
                         .protocol_type = from.protocol_type,
                         .coordinator = coordinator};
  for (const auto& member : from.members) {
    GroupMember& to = group.members.emplace_back();
    to.member_id = member.member_id;
    to.instance_id = member.group_instance_id.value_or("");
    to.client_id = member.client_id;
    to.host = member.client_host;
    if (from.protocol_type != kConsumers) {
      continue;  // Connect and others have bytes of their own there.
    }
    if (auto subscription = client_internal::DecodeSubscription(member.member_metadata); subscription.ok()) {
      to.topics = std::move(subscription->topics);
    }
    if (auto assignment = client_internal::DecodeAssignment(member.member_assignment); assignment.ok()) {
      to.assignment = *std::move(assignment);
    }
  }
  Sort(&group);
  return group;
}

GroupDescription FromBrokers(const BrokersGroup& from, int32_t coordinator) {
  GroupDescription group{.group_id = from.group_id,
                         .type = kConsumers,
                         .state = from.group_state,
                         .assignor = from.assignor_name,
                         .protocol_type = kConsumers,
                         .coordinator = coordinator};
  for (const auto& member : from.members) {
    GroupMember& to = group.members.emplace_back();
    to.member_id = member.member_id;
    to.instance_id = member.instance_id.value_or("");
    to.client_id = member.client_id;
    to.host = member.client_host;
    to.topics = member.subscribed_topic_names;
    std::sort(to.topics.begin(), to.topics.end());
    for (const auto& topic : member.assignment.topic_partitions) {
      for (const int32_t partition : topic.partitions) {
        to.assignment.push_back({topic.topic_name, partition});
      }
    }
    std::sort(to.assignment.begin(), to.assignment.end());
  }
  Sort(&group);
  return group;
}

// NotFound: it is none of the groups of KIP-848, or the broker has no such groups.
absl::StatusOr<GroupDescription> DescribeBrokersGroup(Core& core, const std::string& group_id) {
  kafka::ConsumerGroupDescribeRequest request;
  request.group_ids = {group_id};
  int32_t node = -1;
  const auto answer = CallCoordinator(
      core, group_id, request,
      [](const auto& response) { return response.groups.empty() ? 0 : response.groups.front().error_code; },
      std::numeric_limits<int16_t>::max(), &node);
  if (absl::IsUnimplemented(answer.status())) {
    return NoSuchGroup("describe", group_id);
  }
  RETURN_IF_ERROR(answer.status());
  if (answer->message.groups.empty()) {
    return NoSuchGroup("describe", group_id);
  }
  const BrokersGroup& group = answer->message.groups.front();
  RETURN_IF_ERROR(
      KafkaStatus(group.error_code, Quoted("describe", group_id), group.error_message.value_or("")));
  return FromBrokers(group, node);
}

absl::StatusOr<GroupDescription> DescribeClassicGroup(Core& core, const std::string& group_id) {
  kafka::DescribeGroupsRequest request;
  request.groups = {group_id};
  int32_t node = -1;
  ASSIGN_OR_RETURN(const auto answer,
                   CallCoordinator(
                       core, group_id, request,
                       [](const auto& response) {
                         return response.groups.empty() ? 0 : response.groups.front().error_code;
                       },
                       std::numeric_limits<int16_t>::max(), &node));
  if (answer.message.groups.empty()) {
    return absl::InternalError(
        absl::StrCat(Quoted("describe", group_id), ": the broker's answer does not mention it"));
  }
  const ClassicGroup& group = answer.message.groups.front();
  if (group.group_state == kDead || group.error_code == kafka::ToWire(ErrorCode::kGroupIdNotFound)) {
    return NoSuchGroup("describe", group_id);
  }
  RETURN_IF_ERROR(
      KafkaStatus(group.error_code, Quoted("describe", group_id), group.error_message.value_or("")));
  return FromClassic(group, node);
}

}  // namespace

absl::StatusOr<std::vector<GroupListing>> Admin::ListGroups(const std::vector<std::string>& states) {
  RETURN_IF_ERROR(client_internal::RefreshMetadata(core_));
  kafka::ListGroupsRequest request;
  if (client_internal::CommonVersion(core_, kafka::ListGroupsRequest::kApiKey) >= kStatesFrom) {
    request.states_filter = states;
  }
  std::vector<GroupListing> groups;
  for (const int32_t node : NodesOf(core_)) {
    ASSIGN_OR_RETURN(
        const auto answer,
        client_internal::CallWithRetries(core_, node, request, [](const kafka::ListGroupsResponse& response) {
          return kafka::IsRetriable(static_cast<ErrorCode>(response.error_code));
        }));
    RETURN_IF_ERROR(KafkaStatus(answer.message.error_code, absl::StrCat("list the groups of broker ", node)));
    for (const auto& group : answer.message.groups) {
      groups.push_back({.group_id = group.group_id,
                        .type = group.group_type,
                        .protocol_type = group.protocol_type,
                        .state = group.group_state});
    }
  }
  std::sort(groups.begin(), groups.end(),
            [](const GroupListing& a, const GroupListing& b) { return a.group_id < b.group_id; });
  return groups;
}

absl::StatusOr<GroupDescription> Admin::DescribeGroup(std::string_view group_id) {
  ASSIGN_OR_RETURN(auto results, DescribeGroups({std::string(group_id)}));
  return std::move(results.front());
}

absl::StatusOr<std::vector<absl::StatusOr<GroupDescription>>> Admin::DescribeGroups(
    const std::vector<std::string>& group_ids) {
  std::vector<absl::StatusOr<GroupDescription>> results;
  for (const std::string& group_id : group_ids) {
    absl::StatusOr<GroupDescription> group = DescribeBrokersGroup(core_, group_id);
    if (absl::IsNotFound(group.status())) {
      group = DescribeClassicGroup(core_, group_id);
    }
    if (absl::IsUnavailable(group.status()) && !KafkaErrorCode(group.status()).has_value()) {
      return group.status();  // No broker answers: the others would wait in vain, too.
    }
    results.push_back(std::move(group));
  }
  return results;
}

absl::Status Admin::DeleteGroup(std::string_view group_id) {
  ASSIGN_OR_RETURN(const std::vector<absl::Status> results, DeleteGroups({std::string(group_id)}));
  return results.front();
}

absl::StatusOr<std::vector<absl::Status>> Admin::DeleteGroups(const std::vector<std::string>& group_ids) {
  std::vector<absl::Status> results;
  for (const std::string& group_id : group_ids) {
    kafka::DeleteGroupsRequest request;
    request.groups_names = {group_id};
    ASSIGN_OR_RETURN(const auto answer, CallCoordinator(core_, group_id, request, [](const auto& response) {
                       return response.results.empty() ? 0 : response.results.front().error_code;
                     }));
    if (answer.message.results.empty()) {
      results.push_back(absl::InternalError(
          absl::StrCat(Quoted("delete", group_id), ": the broker's answer does not mention it")));
      continue;
    }
    const auto& result = answer.message.results.front();
    const bool missing = result.error_code == kafka::ToWire(ErrorCode::kGroupIdNotFound);
    results.push_back(missing ? NoSuchGroup("delete", group_id)
                              : KafkaStatus(result.error_code, Quoted("delete", group_id),
                                            result.error_message.value_or(""),
                                            result.error_code == kafka::ToWire(ErrorCode::kNonEmptyGroup)
                                                ? "stop its members first"
                                                : ""));
  }
  return results;
}

}  // namespace sluice
