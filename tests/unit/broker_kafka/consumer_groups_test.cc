// Groups of the consumer protocol (KIP-848) over the wire. The rules of a group have scenarios of their own
// (tests/scenario/consumer_group).
#include <gmock/gmock.h>

#include "broker/group/group_loader.h"
#include "proto/kafka/gen/consumer_protocol.h"
#include "tests/unit/broker_kafka/group_fixture.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Heartbeat = kafka::ConsumerGroupHeartbeatRequest;
using Answer = kafka::ConsumerGroupHeartbeatResponse;

class ConsumerGroupTest : public GroupTest {
 protected:
  explicit ConsumerGroupTest(TestBroker::Options options = {}) : GroupTest(std::move(options)) {}

  static Heartbeat MakeHeartbeat(const std::string& member, int32_t epoch, const std::string& group = "g") {
    Heartbeat request;
    request.group_id = group;
    request.member_id = member;
    request.member_epoch = epoch;
    return request;
  }
  static Heartbeat Joining(const std::string& member, const std::string& topic = "orders",
                           const std::string& group = "g") {
    Heartbeat request = MakeHeartbeat(member, 0, group);
    request.rebalance_timeout_ms = 30'000;
    request.subscribed_topic_names = {topic};
    request.topic_partitions.emplace();
    return request;
  }
  static std::vector<int32_t> PartitionsOf(const Answer& answer) {
    std::vector<int32_t> partitions;
    for (const auto& topic :
         answer.assignment ? answer.assignment->topic_partitions : std::vector<Answer::TopicPartitions>()) {
      partitions.insert(partitions.end(), topic.partitions.begin(), topic.partitions.end());
    }
    return partitions;
  }
  Heartbeat Owning(const std::string& member, int32_t epoch, std::vector<int32_t> partitions) {
    Heartbeat request = MakeHeartbeat(member, epoch);
    auto& topics = request.topic_partitions.emplace();
    if (!partitions.empty()) {
      auto& topic = topics.emplace_back();
      topic.topic_id = broker_.catalog().Find("orders")->id;
      topic.partitions = std::move(partitions);
    }
    return request;
  }
  Answer Send(const Heartbeat& request, int16_t version = 1) { return client_.Call(request, version); }
  kafka::ConsumerGroupDescribeResponse::DescribedGroup Describe(const std::string& group,
                                                                int16_t version = 1) {
    kafka::ConsumerGroupDescribeRequest request;
    request.group_ids = {group};
    return client_.Call(request, version).groups.at(0);
  }
};

TEST_F(ConsumerGroupTest, AMemberJoinsLivesAndLeaves) {
  const Answer joined = Send(Joining("m1"));
  EXPECT_EQ(Name(joined.error_code), "NONE");
  EXPECT_EQ(joined.member_id, "m1");
  EXPECT_EQ(joined.member_epoch, 1);
  EXPECT_EQ(joined.heartbeat_interval_ms, 5'000);
  EXPECT_THAT(PartitionsOf(joined), ElementsAre(0, 1, 2, 3));
  ASSERT_TRUE(joined.assignment.has_value());
  EXPECT_EQ(joined.assignment->topic_partitions.at(0).topic_id, broker_.catalog().Find("orders")->id);
  const Answer lives = Send(MakeHeartbeat("m1", 1));
  EXPECT_EQ(Name(lives.error_code), "NONE");
  EXPECT_FALSE(lives.assignment.has_value());
  EXPECT_EQ(Send(MakeHeartbeat("m1", -1)).member_epoch, -1);
  EXPECT_EQ(Name(Send(MakeHeartbeat("m1", 1)).error_code), "UNKNOWN_MEMBER_ID");
  EXPECT_EQ(Describe("g").group_state, "Empty");
}

TEST_F(ConsumerGroupTest, OfVersionZeroTheBrokerMakesUpTheIds) {
  const Answer joined = Send(Joining(""), 0);
  EXPECT_EQ(Name(joined.error_code), "NONE");
  EXPECT_THAT(joined.member_id.value_or(""), SizeIs(22));
  EXPECT_EQ(Name(Send(MakeHeartbeat(*joined.member_id, 1), 0).error_code), "NONE");
  EXPECT_EQ(Name(Send(Joining(""), 1).error_code), "INVALID_REQUEST");
}

TEST_F(ConsumerGroupTest, RefusalsSayWhy) {
  EXPECT_EQ(Name(Send(MakeHeartbeat("m1", 1)).error_code), "GROUP_ID_NOT_FOUND");
  EXPECT_EQ(Name(Send(MakeHeartbeat("m1", -1)).error_code), "GROUP_ID_NOT_FOUND");
  EXPECT_EQ(Name(Send(Joining("m1", "orders", "")).error_code), "INVALID_REQUEST");
  Heartbeat request = Joining("m1");
  request.server_assignor = "sticky";
  Answer refused = Send(request);
  EXPECT_EQ(Name(refused.error_code), "UNSUPPORTED_ASSIGNOR");
  EXPECT_THAT(refused.error_message.value_or(""), HasSubstr("uniform, range"));
  request = Joining("m1");
  request.subscribed_topic_regex = "(";
  refused = Send(request);
  EXPECT_EQ(Name(refused.error_code), "INVALID_REGULAR_EXPRESSION");
  EXPECT_THAT(refused.error_message.value_or(""), HasSubstr("missing"));
  EXPECT_EQ(Describe("g").error_code, kafka::ToWire(kafka::ErrorCode::kGroupIdNotFound));
  Send(Joining("m1"));
  refused = Send(MakeHeartbeat("m1", 7));
  EXPECT_EQ(Name(refused.error_code), "FENCED_MEMBER_EPOCH");
  EXPECT_THAT(refused.error_message.value_or(""), HasSubstr("join again"));
}

TEST_F(ConsumerGroupTest, PartitionsGoFromOneMemberToAnother) {
  Send(Joining("m1"));
  EXPECT_THAT(PartitionsOf(Send(Joining("m2"))), IsEmpty());
  EXPECT_THAT(PartitionsOf(Send(MakeHeartbeat("m1", 1))), ElementsAre(0, 1));
  EXPECT_FALSE(Send(MakeHeartbeat("m2", 2)).assignment.has_value());
  EXPECT_EQ(Send(Owning("m1", 1, {0, 1})).member_epoch, 2);
  EXPECT_THAT(PartitionsOf(Send(MakeHeartbeat("m2", 2))), ElementsAre(2, 3));
}

TEST_F(ConsumerGroupTest, TopicsThatMatchARegularExpressionAreRead) {
  broker_.CreateTopic("orders-eu", 1);
  Heartbeat request = Joining("m1");
  request.subscribed_topic_names.reset();
  request.subscribed_topic_regex = "orders.*|__.*";
  const Answer joined = Send(request);
  EXPECT_THAT(PartitionsOf(joined), SizeIs(5));  // None of the broker's own.
  const auto described = Describe("g").members.at(0);
  EXPECT_EQ(described.subscribed_topic_regex, "orders.*|__.*");
  EXPECT_THAT(described.subscribed_topic_names, IsEmpty());
}

TEST_F(ConsumerGroupTest, TopicsThatAreMadeGrowAndGoAreNoticed) {
  EXPECT_THAT(PartitionsOf(Send(Joining("m1", "later"))), IsEmpty());
  broker_.CreateTopic("later", 1);
  EXPECT_THAT(PartitionsOf(Send(MakeHeartbeat("m1", 1))), ElementsAre(0));
  ASSERT_TRUE(broker_.catalog().AddPartitions("later", 3, false).ok());
  EXPECT_THAT(PartitionsOf(Send(MakeHeartbeat("m1", 2))), ElementsAre(0, 1, 2));
  ASSERT_TRUE(broker_.catalog().Delete("later").ok());
  const Answer gone = Send(MakeHeartbeat("m1", 3));
  EXPECT_TRUE(gone.assignment.has_value());
  EXPECT_THAT(PartitionsOf(gone), IsEmpty());
}

TEST_F(ConsumerGroupTest, DescriptionsTellMembersAndWhatTheyHave) {
  Heartbeat request = Joining("m1");
  request.instance_id = "i1";
  request.rack_id = "r1";
  request.server_assignor = "range";
  Send(request);
  for (int16_t version = 0; version <= 1; ++version) {
    const auto group = Describe("g", version);
    EXPECT_EQ(Name(group.error_code), "NONE");
    EXPECT_EQ(group.group_state, "Stable");
    EXPECT_EQ(group.group_epoch, 1);
    EXPECT_EQ(group.assignment_epoch, 1);
    EXPECT_EQ(group.assignor_name, "range");
    EXPECT_EQ(group.authorized_operations, INT32_MIN);
    ASSERT_THAT(group.members, SizeIs(1));
    const auto& member = group.members[0];
    EXPECT_EQ(member.member_id, "m1");
    EXPECT_EQ(member.instance_id, "i1");
    EXPECT_EQ(member.rack_id, "r1");
    EXPECT_EQ(member.member_epoch, 1);
    EXPECT_EQ(member.client_id, "raw-client");
    EXPECT_EQ(member.client_host, "/127.0.0.1");
    EXPECT_THAT(member.subscribed_topic_names, ElementsAre("orders"));
    EXPECT_EQ(member.assignment.topic_partitions.at(0).topic_name, "orders");
    EXPECT_THAT(member.assignment.topic_partitions.at(0).partitions, ElementsAre(0, 1, 2, 3));
    EXPECT_THAT(member.target_assignment.topic_partitions.at(0).partitions, ElementsAre(0, 1, 2, 3));
    EXPECT_EQ(member.member_type, version >= 1 ? 1 : -1);
  }
  EXPECT_EQ(Name(Describe("nobody").error_code), "GROUP_ID_NOT_FOUND");
  JoinAlone("classic");
  EXPECT_EQ(Name(Describe("classic").error_code), "GROUP_ID_NOT_FOUND");
  EXPECT_EQ(Name(Describe("").error_code), "INVALID_GROUP_ID");
  kafka::ConsumerGroupDescribeRequest with_operations;
  with_operations.group_ids = {"g"};
  with_operations.include_authorized_operations = true;
  EXPECT_GT(client_.Call(with_operations, 1).groups.at(0).authorized_operations, 0);
}

// As Kafka does: to the call for classic groups there is no such group.
TEST_F(ConsumerGroupTest, DescribeGroupsDoesNotFindThem) {
  Send(Joining("m1"));
  EXPECT_EQ(StateOf("g"), "Dead");
  kafka::DescribeGroupsRequest request;
  request.groups = {"g"};
  EXPECT_EQ(Name(client_.Call(request, 6).groups.at(0).error_code), "GROUP_ID_NOT_FOUND");
}

TEST_F(ConsumerGroupTest, ListsTellTheirType) {
  Send(Joining("m1"));
  JoinAlone("classic");
  kafka::ListGroupsRequest request;
  request.types_filter = {"consumer"};
  const auto listed = client_.Call(request, 5).groups;
  ASSERT_THAT(listed, SizeIs(1));
  EXPECT_EQ(listed[0].group_id, "g");
  EXPECT_EQ(listed[0].group_type, "consumer");
  EXPECT_EQ(listed[0].group_state, "Stable");
  EXPECT_EQ(listed[0].protocol_type, "consumer");
  request.types_filter = {"Classic"};
  EXPECT_THAT(client_.Call(request, 5).groups, SizeIs(1));
}

TEST_F(ConsumerGroupTest, CommitsAndFetchesTellTheMembersEpoch) {
  Send(Joining("m1"));
  const Commit commit{.group = "g", .offset = 7, .member = "m1", .generation = 1};
  EXPECT_EQ(CommitCode(commit, 9), "NONE");
  EXPECT_EQ(CommitCode(commit, 8), "UNSUPPORTED_VERSION");
  EXPECT_EQ(CommitCode({.group = "g", .offset = 8, .member = "m1", .generation = 2}), "STALE_MEMBER_EPOCH");
  EXPECT_EQ(CommitCode({.group = "g", .offset = 8, .member = "m2", .generation = 1}), "UNKNOWN_MEMBER_ID");
  EXPECT_EQ(CommitCode({.group = "g", .offset = 8}), "UNKNOWN_MEMBER_ID");
  EXPECT_EQ(CommitCode({.group = "nobody", .offset = 8, .member = "m1", .generation = 1}),
            "GROUP_ID_NOT_FOUND");
  EXPECT_EQ(CommitCode({.group = "nobody", .offset = 8, .member = "m1", .generation = 1}, 8),
            "ILLEGAL_GENERATION");
  EXPECT_EQ(Committed("g"), 7);
  const auto fetch = [this](const std::string& member, int32_t epoch) {
    auto request = MakeOffsetFetch("g", "orders", {0});
    request.groups[0].member_id = member;
    request.groups[0].member_epoch = epoch;
    return client_.Call(request, 9).groups.at(0);
  };
  EXPECT_EQ(fetch("m1", 1).topics.at(0).partitions.at(0).committed_offset, 7);
  EXPECT_EQ(Name(fetch("m1", 2).error_code), "STALE_MEMBER_EPOCH");
  EXPECT_EQ(Name(fetch("m2", 1).error_code), "UNKNOWN_MEMBER_ID");
}

TEST_F(ConsumerGroupTest, OnlyGroupsWithoutMembersAreDeletedAndOnlyOffsetsOfTopicsThatNobodyReads) {
  Send(Joining("m1"));
  broker_.CreateTopic("other");
  EXPECT_EQ(CommitCode({.group = "g", .offset = 7, .member = "m1", .generation = 1}), "NONE");
  EXPECT_EQ(CommitCode({.group = "g", .offset = 8, .member = "m1", .generation = 1, .topic = "other"}),
            "NONE");
  kafka::OffsetDeleteRequest forget;
  forget.group_id = "g";
  for (const char* topic : {"orders", "other"}) {
    auto& of_topic = forget.topics.emplace_back();
    of_topic.name = topic;
    of_topic.partitions.emplace_back().partition_index = 0;
  }
  const auto forgotten = client_.Call(forget, 0);
  EXPECT_EQ(Name(forgotten.topics.at(0).partitions.at(0).error_code), "GROUP_SUBSCRIBED_TO_TOPIC");
  EXPECT_EQ(Name(forgotten.topics.at(1).partitions.at(0).error_code), "NONE");
  kafka::DeleteGroupsRequest remove;
  remove.groups_names = {"g"};
  EXPECT_EQ(Name(client_.Call(remove, 2).results.at(0).error_code), "NON_EMPTY_GROUP");
  Send(MakeHeartbeat("m1", -1));
  EXPECT_EQ(Committed("g"), 7);
  EXPECT_EQ(Name(client_.Call(remove, 2).results.at(0).error_code), "NONE");
  EXPECT_EQ(Committed("g"), -1);
  Restart();
  EXPECT_EQ(Committed("g"), -1);
  EXPECT_EQ(Name(Describe("g").error_code), "GROUP_ID_NOT_FOUND");
}

TEST_F(ConsumerGroupTest, ARestartChangesNothing) {
  Send(Joining("m1"));
  Heartbeat regex = Joining("m2");
  regex.subscribed_topic_regex = "ord.*";
  regex.instance_id = "i2";
  Send(regex);
  Send(MakeHeartbeat("m1", 1));
  ASSERT_EQ(CommitCode({.group = "g", .offset = 7, .member = "m1", .generation = 1}), "NONE");
  const auto before = Describe("g");
  EXPECT_EQ(before.group_state, "Reconciling");
  Restart();
  const auto after = Describe("g");
  EXPECT_EQ(after.group_state, "Reconciling");
  EXPECT_EQ(after.group_epoch, before.group_epoch);
  ASSERT_THAT(after.members, SizeIs(2));
  EXPECT_EQ(after.members[1].instance_id, "i2");
  EXPECT_EQ(after.members[1].subscribed_topic_regex, "ord.*");
  EXPECT_EQ(Committed("g"), 7);
  EXPECT_EQ(Send(Owning("m1", 1, {0, 1})).member_epoch, 2);
  EXPECT_THAT(PartitionsOf(Send(MakeHeartbeat("m2", 2))), ElementsAre(2, 3));
  broker_.KillAndRestart();
  client_ = broker_.Connect();
  FindCoordinator();
  EXPECT_EQ(Describe("g").group_state, "Stable");
  EXPECT_EQ(Name(Send(MakeHeartbeat("m2", 2)).error_code), "NONE");
}

class ConsumerTimeTest : public ConsumerGroupTest {
 protected:
  ConsumerTimeTest()
      : ConsumerGroupTest({.configs = {{"group.consumer.session.timeout.ms", "10000"},
                                       {"group.consumer.heartbeat.interval.ms", "700"},
                                       {"group.consumer.max.size", "2"},
                                       {"group.consumer.assignors", "range"},
                                       {"offsets.retention.minutes", "60"}},
                           .clock = &Clock_()}) {}
  static ManualClock& Clock_() {
    static ManualClock clock(absl::Now());
    return clock;
  }
  void Pass(absl::Duration time) {
    Clock_().Advance(time);
    broker_.groups().OnTime();
  }
};

TEST_F(ConsumerTimeTest, ConfigsHold) {
  EXPECT_EQ(Send(Joining("m1")).heartbeat_interval_ms, 700);
  EXPECT_EQ(Describe("g").assignor_name, "range");
  Heartbeat uniform = Joining("m2");
  uniform.server_assignor = "uniform";
  EXPECT_EQ(Name(Send(uniform).error_code), "UNSUPPORTED_ASSIGNOR");
  EXPECT_EQ(Name(Send(Joining("m2")).error_code), "NONE");
  EXPECT_EQ(Name(Send(Joining("m3")).error_code), "GROUP_MAX_SIZE_REACHED");
  Pass(absl::Seconds(9));
  EXPECT_EQ(Name(Send(MakeHeartbeat("m2", 2)).error_code), "NONE");
  Pass(absl::Seconds(2));
  EXPECT_EQ(Name(Send(MakeHeartbeat("m1", 1)).error_code), "UNKNOWN_MEMBER_ID");
  EXPECT_THAT(PartitionsOf(Send(MakeHeartbeat("m2", 2))), ElementsAre(0, 1, 2, 3));
}

TEST_F(ConsumerTimeTest, AGroupsOwnConfigsHoldFromTheNextHeartbeatOn) {
  EXPECT_EQ(Send(Joining("m1")).heartbeat_interval_ms, 700);
  kafka::IncrementalAlterConfigsRequest alter;
  auto& resource = alter.resources.emplace_back();
  resource.resource_type = 32;
  resource.resource_name = "g";
  for (const auto& [name, value] : {std::pair("consumer.session.timeout.ms", "2000"),
                                    std::pair("consumer.heartbeat.interval.ms", "300")}) {
    auto& config = resource.configs.emplace_back();
    config.name = name;
    config.value = value;
  }
  ASSERT_EQ(Name(client_.Call(alter, 1).responses.at(0).error_code), "NONE");
  EXPECT_EQ(Send(MakeHeartbeat("m1", 1)).heartbeat_interval_ms, 300);
  EXPECT_EQ(Send(Joining("other", "orders", "h")).heartbeat_interval_ms, 700);
  Pass(absl::Seconds(3));
  EXPECT_EQ(Name(Send(MakeHeartbeat("m1", 1)).error_code), "UNKNOWN_MEMBER_ID");
  EXPECT_EQ(Name(Send(MakeHeartbeat("other", 1, "h")).error_code), "NONE");
}

TEST_F(ConsumerTimeTest, AGroupThatNobodyIsInGoesWithItsOffsets) {
  Send(Joining("m1", "orders", "old"));
  ASSERT_EQ(CommitCode({.group = "old", .offset = 7, .member = "m1", .generation = 1}), "NONE");
  Send(MakeHeartbeat("m1", -1, "old"));
  Pass(absl::Minutes(40));
  EXPECT_EQ(Committed("old"), 7);
  EXPECT_EQ(Describe("old").group_state, "Empty");
  Pass(absl::Minutes(40));
  EXPECT_EQ(Committed("old"), -1);
  EXPECT_EQ(Name(Describe("old").error_code), "GROUP_ID_NOT_FOUND");
}

class MigrationTest : public ConsumerGroupTest {
 protected:
  explicit MigrationTest(TestBroker::Options options = {}) : ConsumerGroupTest(std::move(options)) {}

  // A consumer of the classic protocol that is alone in its group and has all partitions.
  std::pair<std::string, int32_t> JoinAsConsumer() {
    kafka::ConsumerProtocolAssignment assignment;
    auto& topic = assignment.assigned_partitions.emplace_back();
    topic.topic = "orders";
    topic.partitions = {0, 1, 2, 3};
    kafka::WireWriter out;
    out.WriteInt16(0);
    assignment.Encode(out, 0);
    subscription_ = SubscriptionTo("orders");
    const auto joined = JoinClassic("");
    kafka::SyncGroupRequest sync = MakeSync(joined.member_id, joined.generation_id);
    auto& assigned = sync.assignments.emplace_back();
    assigned.member_id = joined.member_id;
    assigned.assignment = AsBytes(AsText(out.buffer()));
    EXPECT_EQ(Name(client_.Call(sync, 3).error_code), "NONE");
    return {joined.member_id, joined.generation_id};
  }
  kafka::JoinGroupResponse JoinClassic(const std::string& member) {
    auto join = MakeJoin("g", member);
    join.protocols[0].metadata = AsBytes(subscription_);
    return client_.Call(join, 3);
  }
  static kafka::SyncGroupRequest MakeSync(const std::string& member, int32_t generation) {
    kafka::SyncGroupRequest sync;
    sync.group_id = "g";
    sync.member_id = member;
    sync.generation_id = generation;
    return sync;
  }
  std::vector<int32_t> Sync(const std::string& member, int32_t generation) {
    const auto synced = client_.Call(MakeSync(member, generation), 3);
    EXPECT_EQ(Name(synced.error_code), "NONE");
    kafka::WireReader in(synced.assignment);
    const int16_t version = in.ReadInt16();
    kafka::ConsumerProtocolAssignment assignment;
    assignment.Decode(in, version);
    return assignment.assigned_partitions.empty() ? std::vector<int32_t>()
                                                  : assignment.assigned_partitions[0].partitions;
  }
  std::string HeartbeatCode(const std::string& member, int32_t generation) {
    kafka::HeartbeatRequest request;
    request.group_id = "g";
    request.member_id = member;
    request.generation_id = generation;
    return Name(client_.Call(request, 4).error_code);
  }
  std::string LeaveCode(const std::string& member) {
    kafka::LeaveGroupRequest leave;
    leave.group_id = "g";
    leave.member_id = member;
    return Name(client_.Call(leave, 2).error_code);
  }

  std::string subscription_;
};

TEST_F(MigrationTest, AGroupGoesOverToTheNewProtocolAndBackWhileItReads) {
  const auto [classic, generation] = JoinAsConsumer();
  EXPECT_EQ(Name(Send(MakeHeartbeat("m1", 1)).error_code), "GROUP_ID_NOT_FOUND");
  const Answer joined = Send(Joining("m1"));
  EXPECT_EQ(Name(joined.error_code), "NONE");
  EXPECT_EQ(joined.member_epoch, generation + 1);
  EXPECT_THAT(PartitionsOf(joined), IsEmpty());
  EXPECT_EQ(CommitCode({.group = "g", .offset = 7, .member = classic, .generation = generation}, 8), "NONE");
  EXPECT_EQ(Describe("g").members.size(), 2u);
  EXPECT_EQ(StateOf("g"), "Dead");
  Restart();  // In the middle of it.
  EXPECT_EQ(HeartbeatCode(classic, generation), "REBALANCE_IN_PROGRESS");
  const auto again = JoinClassic(classic);
  EXPECT_EQ(Name(again.error_code), "NONE");
  EXPECT_EQ(again.member_id, classic);
  EXPECT_THAT(Sync(classic, again.generation_id), ElementsAre(0, 1));
  EXPECT_THAT(PartitionsOf(Send(MakeHeartbeat("m1", joined.member_epoch))), ElementsAre(2, 3));
  EXPECT_EQ(Describe("g").group_state, "Stable");
  EXPECT_EQ(Describe("g").members.size(), 2u);

  Send(MakeHeartbeat("m1", -1));
  EXPECT_EQ(StateOf("g"), "PreparingRebalance");
  EXPECT_EQ(Name(Describe("g").error_code), "GROUP_ID_NOT_FOUND");
  EXPECT_EQ(Committed("g"), 7);
  EXPECT_EQ(HeartbeatCode(classic, again.generation_id), "REBALANCE_IN_PROGRESS");
  Restart();
  EXPECT_EQ(Name(JoinClassic(classic).error_code), "NONE");
  EXPECT_EQ(StateOf("g"), "CompletingRebalance");
  EXPECT_EQ(Committed("g"), 7);
}

TEST_F(MigrationTest, AClassicMemberLeavesAGroupOfTheNewProtocol) {
  const auto [classic, generation] = JoinAsConsumer();
  const Answer joined = Send(Joining("m1"));
  EXPECT_EQ(LeaveCode(classic), "NONE");
  EXPECT_EQ(LeaveCode(classic), "UNKNOWN_MEMBER_ID");
  EXPECT_EQ(HeartbeatCode(classic, generation), "UNKNOWN_MEMBER_ID");
  EXPECT_THAT(PartitionsOf(Send(MakeHeartbeat("m1", joined.member_epoch))), ElementsAre(0, 1, 2, 3));
}

TEST_F(MigrationTest, WhoWaitsInAClassicGroupIsToldToJoinAgain) {
  const auto [classic, generation] = JoinAsConsumer();
  RawClient waiting = broker_.Connect();
  auto join = MakeJoin("g");
  join.protocols[0].metadata = AsBytes(subscription_);
  waiting.Send(join, 3);
  while (StateOf("g") != "PreparingRebalance") {
  }
  EXPECT_EQ(Name(Send(Joining("m1")).error_code), "NONE");
  EXPECT_EQ(Name(waiting.Receive<kafka::JoinGroupResponse>().error_code), "REBALANCE_IN_PROGRESS");
  EXPECT_EQ(HeartbeatCode(classic, generation), "REBALANCE_IN_PROGRESS");
}

TEST_F(MigrationTest, AGroupWithoutMembersChangesItsKindAndKeepsItsOffsets) {
  const auto [classic, generation] = JoinAsConsumer();
  ASSERT_EQ(CommitCode({.group = "g", .offset = 7, .member = classic, .generation = generation}), "NONE");
  ASSERT_EQ(LeaveCode(classic), "NONE");
  EXPECT_EQ(Send(Joining("m1")).member_epoch, 1);
  EXPECT_EQ(Committed("g"), 7);
  Send(MakeHeartbeat("m1", -1));
  EXPECT_EQ(Name(JoinClassic("unknown").error_code), "UNKNOWN_MEMBER_ID");
  EXPECT_EQ(Describe("g").group_state, "Empty");
  JoinAsConsumer();
  EXPECT_EQ(StateOf("g"), "Stable");
  EXPECT_EQ(Name(Describe("g").error_code), "GROUP_ID_NOT_FOUND");
  EXPECT_EQ(Committed("g"), 7);
  Restart();
  EXPECT_EQ(StateOf("g"), "Stable");
  EXPECT_EQ(Committed("g"), 7);
}

TEST_F(MigrationTest, GroupsThatAreNoConsumersStayAsTheyAre) {
  auto join = MakeJoin("g");
  join.protocol_type = "connect";
  ASSERT_EQ(Name(client_.Call(join, 3).error_code), "NONE");
  const Answer refused = Send(Joining("m1"));
  EXPECT_EQ(Name(refused.error_code), "GROUP_ID_NOT_FOUND");
  EXPECT_THAT(refused.error_message.value_or(""), HasSubstr("classic protocol"));
  EXPECT_EQ(StateOf("g"), "CompletingRebalance");
}

class NoMigrationTest : public MigrationTest {
 protected:
  NoMigrationTest() : MigrationTest({.configs = {{"group.consumer.migration.policy", "disabled"}}}) {}
};

TEST_F(NoMigrationTest, WhereItIsForbiddenGroupsStayAsTheyAre) {
  const auto [classic, generation] = JoinAsConsumer();
  const Answer refused = Send(Joining("m1"));
  EXPECT_EQ(Name(refused.error_code), "GROUP_ID_NOT_FOUND");
  EXPECT_THAT(refused.error_message.value_or(""), HasSubstr("group.consumer.migration.policy"));
  EXPECT_EQ(HeartbeatCode(classic, generation), "NONE");
}

}  // namespace
}  // namespace sluice
