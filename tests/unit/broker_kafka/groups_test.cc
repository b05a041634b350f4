// Classic groups over the wire. The rules of a group have scenarios of their own
// (tests/scenario/classic_group).
#include <gmock/gmock.h>

#include "tests/unit/broker_kafka/group_fixture.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST_F(GroupTest, TheCoordinatorIsThisBrokerInEveryVersion) {
  for (int16_t version = 0; version <= 6; ++version) {
    kafka::FindCoordinatorRequest request;
    if (version < 4) {
      request.key = "g";
      const auto response = client_.Call(request, version);
      EXPECT_EQ(Name(response.error_code), "NONE");
      EXPECT_EQ(response.host, "127.0.0.1");
      EXPECT_EQ(response.port, broker_.port());
      continue;
    }
    request.coordinator_keys = {"g", "other"};
    const auto response = client_.Call(request, version);
    ASSERT_EQ(response.coordinators.size(), 2u);
    EXPECT_EQ(response.coordinators[1].key, "other");
    EXPECT_EQ(response.coordinators[1].node_id, broker_.node_id().value());
    EXPECT_EQ(response.coordinators[1].port, broker_.port());
  }
}

TEST_F(GroupTest, TheOffsetsTopicIsInternalCompactedAndNobodysToDelete) {
  kafka::MetadataRequest all;
  all.topics.reset();
  bool found = false;
  for (const auto& topic : client_.Call(all, 12).topics) {
    found =
        found || (topic.name == "__consumer_offsets" && topic.is_internal && topic.partitions.size() == 4);
  }
  EXPECT_TRUE(found);
  EXPECT_TRUE(broker_.catalog().Find("__consumer_offsets")->config.log().cleanup_compact);
  kafka::DeleteTopicsRequest request;
  request.topic_names = {"__consumer_offsets"};
  const auto refused = client_.Call(request, 5).responses.at(0);
  EXPECT_EQ(Name(refused.error_code), "INVALID_TOPIC_EXCEPTION");
  EXPECT_THAT(refused.error_message.value_or(""), HasSubstr("offsets of all groups"));
  EXPECT_FALSE(broker_.catalog().AddPartitions("__consumer_offsets", 8, false).ok());
}

TEST_F(GroupTest, AMemberJoinsSyncsLivesAndLeavesInEveryVersion) {
  for (int16_t version = 0; version <= 9; ++version) {
    const std::string group = absl::StrCat("g", version);
    auto joined = client_.Call(MakeJoin(group), version);
    if (version >= 4) {
      ASSERT_EQ(Name(joined.error_code), "MEMBER_ID_REQUIRED");
      ASSERT_THAT(joined.member_id, StartsWith("raw-client-"));
      joined = client_.Call(MakeJoin(group, joined.member_id), version);
    }
    ASSERT_EQ(Name(joined.error_code), "NONE") << version;
    EXPECT_EQ(joined.generation_id, 1);
    EXPECT_EQ(joined.leader, joined.member_id);
    EXPECT_EQ(joined.protocol_name, "range");
    EXPECT_EQ(joined.protocol_type, version >= 7 ? std::optional<std::string>("consumer") : std::nullopt);
    ASSERT_EQ(joined.members.size(), 1u);
    EXPECT_EQ(AsText(joined.members[0].metadata), "metadata");

    kafka::SyncGroupRequest sync;
    sync.group_id = group;
    sync.member_id = joined.member_id;
    sync.generation_id = 1;
    auto& assigned = sync.assignments.emplace_back();
    assigned.member_id = joined.member_id;
    assigned.assignment = AsBytes("mine");
    const auto synced = client_.Call(sync, std::min<int16_t>(version, 5));
    ASSERT_EQ(Name(synced.error_code), "NONE");
    EXPECT_EQ(AsText(synced.assignment), "mine");

    kafka::HeartbeatRequest heartbeat;
    heartbeat.group_id = group;
    heartbeat.member_id = joined.member_id;
    heartbeat.generation_id = 1;
    const int16_t heartbeat_version = std::min<int16_t>(version, 4);
    EXPECT_EQ(Name(client_.Call(heartbeat, heartbeat_version).error_code), "NONE");
    heartbeat.generation_id = 0;
    EXPECT_EQ(Name(client_.Call(heartbeat, heartbeat_version).error_code), "ILLEGAL_GENERATION");

    kafka::LeaveGroupRequest leave;
    leave.group_id = group;
    const int16_t leave_version = std::min<int16_t>(version, 5);
    if (leave_version < 3) {
      leave.member_id = joined.member_id;
      EXPECT_EQ(Name(client_.Call(leave, leave_version).error_code), "NONE");
      EXPECT_EQ(Name(client_.Call(leave, leave_version).error_code), "UNKNOWN_MEMBER_ID");
    } else {
      leave.members.emplace_back().member_id = joined.member_id;
      leave.members.emplace_back().member_id = "nobody";
      const auto left = client_.Call(leave, leave_version);
      ASSERT_EQ(left.members.size(), 2u);
      EXPECT_EQ(Name(left.members[0].error_code), "NONE");
      EXPECT_EQ(Name(left.members[1].error_code), "UNKNOWN_MEMBER_ID");
    }
    EXPECT_EQ(StateOf(group), "Empty");
  }
}

TEST_F(GroupTest, AJoinThatWaitsHoldsUpNobodyElse) {
  const auto [member, generation] = JoinAlone("g");
  RawClient second = broker_.Connect();
  second.Send(MakeJoin("g"), 3);
  kafka::HeartbeatRequest heartbeat;
  heartbeat.group_id = "g";
  heartbeat.member_id = member;
  heartbeat.generation_id = generation;
  std::string code;
  for (int i = 0; i < 1000 && code != "REBALANCE_IN_PROGRESS"; ++i) {
    code = Name(client_.Call(heartbeat, 4).error_code);
  }
  EXPECT_EQ(code, "REBALANCE_IN_PROGRESS");
  client_.Send(MakeJoin("g", member), 3);
  const auto theirs = second.Receive<kafka::JoinGroupResponse>();
  const auto ours = client_.Receive<kafka::JoinGroupResponse>();
  EXPECT_EQ(theirs.generation_id, 2);
  EXPECT_EQ(ours.generation_id, 2);
  EXPECT_EQ(ours.leader, member);
  EXPECT_EQ(ours.members.size(), 2u);
  EXPECT_TRUE(theirs.members.empty());
}

TEST_F(GroupTest, GroupsNeedAName) {
  EXPECT_EQ(Name(client_.Call(MakeJoin(""), 5).error_code), "INVALID_GROUP_ID");
  kafka::HeartbeatRequest heartbeat;
  EXPECT_EQ(Name(client_.Call(heartbeat, 4).error_code), "INVALID_GROUP_ID");
  kafka::SyncGroupRequest sync;
  EXPECT_EQ(Name(client_.Call(sync, 5).error_code), "INVALID_GROUP_ID");
}

TEST_F(GroupTest, DescriptionsTellMembersAndWhatTheyHave) {
  const auto [member, generation] = JoinAlone("g");
  for (int16_t version = 0; version <= 6; ++version) {
    kafka::DescribeGroupsRequest request;
    request.groups = {"g", "nobody"};
    request.include_authorized_operations = version >= 3;
    const auto response = client_.Call(request, version);
    ASSERT_EQ(response.groups.size(), 2u);
    const auto& group = response.groups[0];
    EXPECT_EQ(group.group_state, "Stable");
    EXPECT_EQ(group.protocol_type, "consumer");
    EXPECT_EQ(group.protocol_data, "range");
    ASSERT_EQ(group.members.size(), 1u);
    EXPECT_EQ(group.members[0].member_id, member);
    EXPECT_EQ(group.members[0].client_id, "raw-client");
    EXPECT_EQ(group.members[0].client_host, "/127.0.0.1");
    EXPECT_EQ(AsText(group.members[0].member_metadata), "metadata");
    EXPECT_EQ(AsText(group.members[0].member_assignment), "assignment");
    EXPECT_EQ(response.groups[1].group_state, "Dead");
    EXPECT_EQ(Name(response.groups[1].error_code), version >= 6 ? "GROUP_ID_NOT_FOUND" : "NONE");
  }
}

TEST_F(GroupTest, ListsAreChosenByStateAndType) {
  JoinAlone("alive");
  ASSERT_EQ(CommitCode({.group = "simple", .offset = 1}), "NONE");
  const auto names = [this](const kafka::ListGroupsRequest& request, int16_t version) {
    std::vector<std::string> names;
    for (const auto& group : client_.Call(request, version).groups) {
      names.push_back(group.group_id);
    }
    std::sort(names.begin(), names.end());
    return names;
  };
  for (int16_t version = 0; version <= 5; ++version) {
    EXPECT_THAT(names({}, version), ElementsAre("alive", "simple"));
  }
  kafka::ListGroupsRequest stable;
  stable.states_filter = {"stable"};
  EXPECT_THAT(names(stable, 4), ElementsAre("alive"));
  kafka::ListGroupsRequest consumer;
  consumer.types_filter = {"consumer"};
  EXPECT_THAT(names(consumer, 5), ElementsAre());
  consumer.types_filter = {"classic"};
  EXPECT_THAT(names(consumer, 5), ElementsAre("alive", "simple"));
}

TEST_F(GroupTest, OnlyGroupsWithoutMembersAreDeleted) {
  const auto [member, generation] = JoinAlone("g");
  ASSERT_EQ(CommitCode({.group = "g", .offset = 7, .member = member, .generation = generation}), "NONE");
  const auto remove = [this](int16_t version) {
    kafka::DeleteGroupsRequest request;
    request.groups_names = {"g", "nobody"};
    std::vector<std::string> codes;
    for (const auto& result : client_.Call(request, version).results) {
      codes.push_back(Name(result.error_code));
    }
    return codes;
  };
  EXPECT_THAT(remove(3), ElementsAre("NON_EMPTY_GROUP", "GROUP_ID_NOT_FOUND"));
  kafka::LeaveGroupRequest leave;
  leave.group_id = "g";
  leave.member_id = member;
  ASSERT_EQ(Name(client_.Call(leave, 2).error_code), "NONE");
  EXPECT_EQ(Committed("g"), 7);
  EXPECT_THAT(remove(0), ElementsAre("NONE", "GROUP_ID_NOT_FOUND"));
  EXPECT_EQ(Committed("g"), -1);
  Restart();
  EXPECT_EQ(Committed("g"), -1);
  EXPECT_EQ(StateOf("g"), "Dead");
}

TEST_F(GroupTest, AStopTellsThoseWhoWaitToLookForAnotherCoordinator) {
  JoinAlone("g");
  RawClient second = broker_.Connect();
  second.Send(MakeJoin("g"), 3);
  ASSERT_TRUE(AwaitState("g", "PreparingRebalance"));
  broker_.groups().Stop();
  EXPECT_EQ(Name(second.Receive<kafka::JoinGroupResponse>().error_code), "NOT_COORDINATOR");
  EXPECT_EQ(Name(client_.Call(MakeJoin("g"), 3).error_code), "NOT_COORDINATOR");
}

}  // namespace
}  // namespace sluice
