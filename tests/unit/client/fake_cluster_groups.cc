// The fake cluster's coordinator: classic groups, with the rules that members rely on. A rebalance ends when
// all members and all who were given an id have come; nobody is dropped by time, only by DropMembers.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "proto/kafka/gen/find_coordinator.h"
#include "proto/kafka/gen/heartbeat.h"
#include "proto/kafka/gen/join_group.h"
#include "proto/kafka/gen/leave_group.h"
#include "proto/kafka/gen/offset_commit.h"
#include "proto/kafka/gen/offset_fetch.h"
#include "proto/kafka/gen/sync_group.h"
#include "tests/unit/client/fake_cluster.h"
#include "tests/unit/client/fake_cluster_encode.h"

namespace sluice::client_test {
namespace {

using kafka::ErrorCode;
using kafka::ToWire;

constexpr absl::Duration kWaitMax = absl::Seconds(30);

template <class Request>
Request DecodeRequest(const kafka::RequestHeader& header, kafka::WireReader& in) {
  Request request;
  request.Decode(in, header.api_version);
  CHECK(in.ok());
  return request;
}

}  // namespace

bool FakeCluster::AnswerGroup(int32_t node, const kafka::RequestHeader& header, kafka::WireReader& in,
                              Fault fault, Bytes* answer) {
  absl::MutexLock lock(&mu_);
  ErrorCode code = fault.kind == Fault::Kind::kError ? fault.code : ErrorCode::kNone;
  if (code == ErrorCode::kNone && node != coordinator_) {
    code = ErrorCode::kNotCoordinator;
  }
  switch (static_cast<kafka::ApiKey>(header.api_key)) {
    case kafka::ApiKey::kFindCoordinator: {
      (void)DecodeRequest<kafka::FindCoordinatorRequest>(header, in);
      kafka::FindCoordinatorResponse response;
      response.error_code = ToWire(fault.code);
      response.node_id = coordinator_;
      response.host = "127.0.0.1";
      response.port = nodes_[static_cast<size_t>(coordinator_)]->port;
      Encode(header, header.api_version, response, answer);
      return true;
    }
    case kafka::ApiKey::kJoinGroup:
      Join(header, in, code, answer);
      return true;
    case kafka::ApiKey::kSyncGroup:
      Sync(header, in, code, answer);
      return true;
    case kafka::ApiKey::kHeartbeat:
      Heartbeat(header, in, code, answer);
      return true;
    case kafka::ApiKey::kLeaveGroup:
      Leave(header, in, code, answer);
      return true;
    case kafka::ApiKey::kOffsetCommit:
      CommitOffsets(header, in, code, answer);
      return true;
    case kafka::ApiKey::kOffsetFetch:
      FetchOffsets(header, in, code, answer);
      return true;
    default:
      return false;
  }
}

ErrorCode FakeCluster::Check(const Group& group, const std::string& member_id, int32_t generation) const {
  if (!group.members.contains(member_id)) {
    return ErrorCode::kUnknownMemberId;
  }
  return generation != group.generation ? ErrorCode::kIllegalGeneration : ErrorCode::kNone;
}

void FakeCluster::FinishJoins(Group& group) {
  const bool all =
      group.expected.empty() && !group.members.empty() &&
      std::ranges::all_of(group.members, [](const auto& member) { return member.second.joined; });
  if (!group.rebalancing || !all) {
    return;
  }
  ++group.generation;
  group.rebalancing = group.assigned = false;
  group.leader = group.members.begin()->first;
  for (const auto& [name, metadata] : group.members.begin()->second.protocols) {
    if (std::ranges::all_of(group.members,
                            [&](const auto& member) { return member.second.protocols.contains(name); })) {
      group.protocol = name;
    }
  }
  for (auto& [id, member] : group.members) {
    member.joined = false;
    member.assignment.clear();
  }
  appended_.SignalAll();
}

void FakeCluster::Join(const kafka::RequestHeader& header, kafka::WireReader& in, ErrorCode code,
                       Bytes* answer) {
  const auto request = DecodeRequest<kafka::JoinGroupRequest>(header, in);
  kafka::JoinGroupResponse response;
  response.protocol_name = "";
  Group& group = groups_[request.group_id];
  std::string id = request.member_id;
  const std::string instance = request.group_instance_id.value_or("");
  if (code == ErrorCode::kNone && id.empty()) {
    id = absl::StrCat("member-", next_member_++);
    if (instance.empty()) {
      group.expected.insert(id);
      code = ErrorCode::kMemberIdRequired;
    } else {
      std::erase_if(group.members, [&](const auto& member) { return member.second.instance_id == instance; });
    }
  } else if (code == ErrorCode::kNone && !group.members.contains(id) && group.expected.erase(id) == 0) {
    code = ErrorCode::kUnknownMemberId;
  }
  if (code == ErrorCode::kNone) {
    GroupMember& member = group.members[id];
    member.instance_id = instance;
    member.joined = group.rebalancing = true;
    member.protocols.clear();
    for (const auto& protocol : request.protocols) {
      member.protocols[protocol.name] = ToBytes(protocol.metadata);
    }
    FinishJoins(group);
    const absl::Time deadline = absl::Now() + kWaitMax;
    while (!stopping_ && group.members.contains(id) && group.members[id].joined) {
      if (appended_.WaitWithDeadline(&mu_, deadline)) {
        group.members.erase(id);
      }
    }
    code = group.members.contains(id) ? ErrorCode::kNone : ErrorCode::kUnknownMemberId;
  }
  response.error_code = ToWire(code);
  response.member_id = id;
  if (code == ErrorCode::kNone) {
    response.generation_id = group.generation;
    response.protocol_name = group.protocol;
    response.protocol_type = "consumer";
    response.leader = group.leader;
    for (const auto& [member_id, member] : group.members) {
      if (id == group.leader) {
        auto& entry = response.members.emplace_back();
        entry.member_id = member_id;
        entry.metadata = member.protocols.at(group.protocol);
      }
    }
  }
  Encode(header, header.api_version, response, answer);
}

void FakeCluster::Sync(const kafka::RequestHeader& header, kafka::WireReader& in, ErrorCode code,
                       Bytes* answer) {
  const auto request = DecodeRequest<kafka::SyncGroupRequest>(header, in);
  kafka::SyncGroupResponse response;
  Group& group = groups_[request.group_id];
  if (code == ErrorCode::kNone) {
    code = Check(group, request.member_id, request.generation_id);
  }
  if (code == ErrorCode::kNone && request.member_id == group.leader) {
    for (const auto& assignment : request.assignments) {
      group.members[assignment.member_id].assignment = ToBytes(assignment.assignment);
    }
    group.assigned = true;
    appended_.SignalAll();
  }
  const absl::Time deadline = absl::Now() + kWaitMax;
  while (code == ErrorCode::kNone && !stopping_ && !group.assigned && !group.rebalancing) {
    code = appended_.WaitWithDeadline(&mu_, deadline)
               ? ErrorCode::kRebalanceInProgress
               : Check(group, request.member_id, request.generation_id);
  }
  if (code == ErrorCode::kNone && group.rebalancing) {
    code = ErrorCode::kRebalanceInProgress;
  }
  response.error_code = ToWire(code);
  if (code == ErrorCode::kNone) {
    response.assignment = group.members[request.member_id].assignment;
  }
  Encode(header, header.api_version, response, answer);
}

void FakeCluster::Heartbeat(const kafka::RequestHeader& header, kafka::WireReader& in, ErrorCode code,
                            Bytes* answer) {
  const auto request = DecodeRequest<kafka::HeartbeatRequest>(header, in);
  const Group& group = groups_[request.group_id];
  if (code == ErrorCode::kNone) {
    code = Check(group, request.member_id, request.generation_id);
  }
  kafka::HeartbeatResponse response;
  response.error_code =
      ToWire(code == ErrorCode::kNone && group.rebalancing ? ErrorCode::kRebalanceInProgress : code);
  Encode(header, header.api_version, response, answer);
}

void FakeCluster::Leave(const kafka::RequestHeader& header, kafka::WireReader& in, ErrorCode code,
                        Bytes* answer) {
  const auto request = DecodeRequest<kafka::LeaveGroupRequest>(header, in);
  Group& group = groups_[request.group_id];
  group.members.erase(request.member_id);
  group.rebalancing = !group.members.empty();
  FinishJoins(group);
  appended_.SignalAll();
  kafka::LeaveGroupResponse response;
  response.error_code = ToWire(code);
  Encode(header, header.api_version, response, answer);
}

void FakeCluster::CommitOffsets(const kafka::RequestHeader& header, kafka::WireReader& in, ErrorCode code,
                                Bytes* answer) {
  const auto request = DecodeRequest<kafka::OffsetCommitRequest>(header, in);
  Group& group = groups_[request.group_id];
  const bool claims = request.generation_id_or_member_epoch >= 0 || !group.members.empty();
  if (code == ErrorCode::kNone && claims) {
    code = Check(group, request.member_id, request.generation_id_or_member_epoch);
  }
  kafka::OffsetCommitResponse response;
  for (const auto& topic : request.topics) {
    auto& entry = response.topics.emplace_back();
    entry.name = topic.name;
    for (const auto& partition : topic.partitions) {
      if (code == ErrorCode::kNone) {
        group.offsets[{topic.name, partition.partition_index}] = partition.committed_offset;
      }
      auto& result = entry.partitions.emplace_back();
      result.partition_index = partition.partition_index;
      result.error_code = ToWire(code);
    }
  }
  Encode(header, header.api_version, response, answer);
}

void FakeCluster::FetchOffsets(const kafka::RequestHeader& header, kafka::WireReader& in, ErrorCode code,
                               Bytes* answer) {
  const auto request = DecodeRequest<kafka::OffsetFetchRequest>(header, in);
  const Group& group = groups_[request.group_id];
  kafka::OffsetFetchResponse response;
  response.error_code = ToWire(code);
  for (const auto& topic :
       request.topics.value_or(std::vector<kafka::OffsetFetchRequest::OffsetFetchRequestTopic>())) {
    auto& entry = response.topics.emplace_back();
    entry.name = topic.name;
    for (const int32_t index : topic.partition_indexes) {
      const auto offset = group.offsets.find({topic.name, index});
      auto& result = entry.partitions.emplace_back();
      result.partition_index = index;
      result.committed_offset = offset == group.offsets.end() ? -1 : offset->second;
      result.metadata = "";
    }
  }
  Encode(header, header.api_version, response, answer);
}

void FakeCluster::MoveCoordinator(int32_t node) {
  absl::MutexLock lock(&mu_);
  coordinator_ = node;
}

void FakeCluster::DropMembers(const std::string& name) {
  absl::MutexLock lock(&mu_);
  Group& group = groups_[name];
  group.members.clear();
  group.expected.clear();
  group.rebalancing = false;
  appended_.SignalAll();
}

void FakeCluster::StartRebalance(const std::string& name) {
  absl::MutexLock lock(&mu_);
  groups_[name].rebalancing = true;
  appended_.SignalAll();
}

std::vector<std::string> FakeCluster::MembersOf(const std::string& name) {
  absl::MutexLock lock(&mu_);
  std::vector<std::string> members;
  for (const auto& [id, member] : groups_[name].members) {
    members.push_back(id);
  }
  return members;
}

bool FakeCluster::WaitUntilNobodyIsIn(const std::string& name) {
  absl::MutexLock lock(&mu_);
  const auto empty = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return groups_[name].members.empty(); };
  return mu_.AwaitWithTimeout(absl::Condition(&empty), kWaitMax);
}

int64_t FakeCluster::CommittedOffset(const std::string& group, const std::string& topic, int32_t partition) {
  absl::MutexLock lock(&mu_);
  const auto& offsets = groups_[group].offsets;
  const auto offset = offsets.find({topic, partition});
  return offset == offsets.end() ? -1 : offset->second;
}

}  // namespace sluice::client_test
