// Committed offsets over the wire: kept, told, expired, deleted, and never ahead of the disk.
#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "broker/group/group_journal.h"
#include "broker/group/group_loader.h"
#include "proto/base/random.h"
#include "tests/support/fault_disk.h"
#include "tests/unit/broker_kafka/group_fixture.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;

using GroupOffsetsTest = GroupTest;

TEST_F(GroupOffsetsTest, EveryVersionCommitsAndEveryVersionFetches) {
  const Uuid topic_id = broker_.catalog().Find("orders")->id;
  for (int16_t version = 2; version <= 10; ++version) {
    auto request = MakeCommit({.group = "g", .offset = 100 + version, .metadata = "words"});
    if (version >= 6) {
      request.topics[0].partitions[0].committed_leader_epoch = 3;
    }
    request.topics[0].topic_id = version >= 10 ? topic_id : Uuid{};
    ASSERT_EQ(Name(client_.Call(request, version).topics.at(0).partitions.at(0).error_code), "NONE")
        << version;
    EXPECT_EQ(Committed("g"), 100 + version);
  }
  for (int16_t version = 1; version <= 7; ++version) {
    kafka::OffsetFetchRequest request;
    request.group_id = "g";
    auto& topic = request.topics.emplace().emplace_back();
    topic.name = "orders";
    topic.partition_indexes = {1, 0};
    const auto response = client_.Call(request, version);
    ASSERT_EQ(response.topics.at(0).partitions.size(), 2u);
    EXPECT_EQ(response.topics[0].partitions[0].committed_offset, -1);
    EXPECT_EQ(response.topics[0].partitions[1].committed_offset, 110);
    EXPECT_EQ(response.topics[0].partitions[1].committed_leader_epoch, version >= 5 ? 3 : -1);
    EXPECT_EQ(response.topics[0].partitions[1].metadata, "words");
  }
  for (int16_t version = 8; version <= 10; ++version) {
    auto request = MakeOffsetFetch("g", "orders", {0});
    (*request.groups[0].topics)[0].topic_id = version >= 10 ? topic_id : Uuid{};
    request.groups.push_back(request.groups[0]);
    request.groups[1].group_id = "other";
    const auto response = client_.Call(request, version);
    ASSERT_EQ(response.groups.size(), 2u);
    EXPECT_EQ(response.groups[0].topics.at(0).partitions.at(0).committed_offset, 110);
    EXPECT_EQ(response.groups[1].group_id, "other");
    EXPECT_EQ(response.groups[1].topics.at(0).partitions.at(0).committed_offset, -1);
  }
}

TEST_F(GroupOffsetsTest, AllTopicsAreThoseThatTheGroupHas) {
  broker_.CreateTopic("more");
  ASSERT_EQ(CommitCode({.group = "g", .offset = 1, .topic = "orders", .partition = 2}), "NONE");
  ASSERT_EQ(CommitCode({.group = "g", .offset = 2, .topic = "more"}), "NONE");
  kafka::OffsetFetchRequest request;
  request.groups.emplace_back().group_id = "g";
  request.groups[0].topics.reset();
  for (int16_t version = 8; version <= 10; ++version) {
    const auto group = client_.Call(request, version).groups.at(0);
    ASSERT_EQ(group.topics.size(), 2u);
    if (version < 10) {
      EXPECT_EQ(group.topics[0].name, "more");
    } else {
      EXPECT_EQ(group.topics[0].topic_id, broker_.catalog().Find("more")->id);
    }
    EXPECT_EQ(group.topics[1].partitions.at(0).partition_index, 2);
  }
}

TEST_F(GroupOffsetsTest, WhatCannotBeKeptIsRefusedAndTheRestIsKept) {
  auto request = MakeCommit({.group = "g", .offset = 5});
  request.topics.push_back(MakeCommit({.group = "g", .topic = "nowhere"}).topics[0]);
  request.topics.push_back(MakeCommit({.group = "g", .partition = 99}).topics[0]);
  request.topics.push_back(
      MakeCommit({.group = "g", .partition = 1, .metadata = std::string(5000, 'x')}).topics[0]);
  const auto response = client_.Call(request, 9);
  std::vector<std::string> codes;
  for (const auto& topic : response.topics) {
    codes.push_back(Name(topic.partitions.at(0).error_code));
  }
  EXPECT_THAT(codes, ElementsAre("NONE", "UNKNOWN_TOPIC_OR_PARTITION", "UNKNOWN_TOPIC_OR_PARTITION",
                                 "OFFSET_METADATA_TOO_LARGE"));
  EXPECT_EQ(Committed("g"), 5);
  auto by_id = MakeCommit({.group = "g", .offset = 5});
  by_id.topics[0].topic_id = Uuid::Parse("AAAAAAAAAAAAAAAAAAAAAQ").value();
  EXPECT_EQ(Name(client_.Call(by_id, 10).topics.at(0).partitions.at(0).error_code), "UNKNOWN_TOPIC_ID");
}

TEST_F(GroupOffsetsTest, OnlyAMemberOfTheGenerationCommitsForAGroupWithMembers) {
  const auto [member, generation] = JoinAlone("g");
  EXPECT_EQ(CommitCode({.group = "g", .offset = 1, .member = member, .generation = generation}), "NONE");
  EXPECT_EQ(CommitCode({.group = "g", .offset = 2, .member = member, .generation = generation - 1}),
            "ILLEGAL_GENERATION");
  EXPECT_EQ(CommitCode({.group = "g", .offset = 2, .member = "other", .generation = generation}),
            "UNKNOWN_MEMBER_ID");
  EXPECT_EQ(CommitCode({.group = "g", .offset = 2}), "UNKNOWN_MEMBER_ID");
  const Commit of_no_group{.group = "new", .offset = 2, .member = "m", .generation = 3};
  EXPECT_EQ(CommitCode(of_no_group, 8), "ILLEGAL_GENERATION");
  EXPECT_EQ(CommitCode(of_no_group, 9), "GROUP_ID_NOT_FOUND");
  EXPECT_EQ(Committed("g"), 1);
  EXPECT_EQ(StateOf("new"), "Dead");
}

TEST_F(GroupOffsetsTest, GenerationsAndOffsetsSurviveARestart) {
  const auto [member, generation] = JoinAlone("g");
  ASSERT_EQ(CommitCode({.group = "g", .offset = 10, .member = member, .generation = generation}), "NONE");
  ASSERT_EQ(CommitCode({.group = "simple", .offset = 20}), "NONE");
  Restart();
  EXPECT_EQ(Committed("g"), 10);
  EXPECT_EQ(Committed("simple"), 20);
  EXPECT_EQ(StateOf("g"), "Stable");
  EXPECT_EQ(CommitCode({.group = "g", .offset = 11, .member = member, .generation = generation}), "NONE");
  EXPECT_EQ(CommitCode({.group = "g", .offset = 12, .member = member, .generation = generation + 1}),
            "ILLEGAL_GENERATION");
}

TEST_F(GroupOffsetsTest, ADeletedTopicsOffsetsAreForgotten) {
  broker_.CreateTopic("more");
  ASSERT_EQ(CommitCode({.group = "g", .offset = 1}), "NONE");
  ASSERT_EQ(CommitCode({.group = "g", .offset = 2, .topic = "more"}), "NONE");
  ASSERT_TRUE(broker_.catalog().Delete("more").ok());
  broker_.CreateTopic("more");
  EXPECT_EQ(Committed("g", "more"), -1);
  EXPECT_EQ(Committed("g"), 1);
  Restart();
  EXPECT_EQ(Committed("g", "more"), -1);
}

TEST_F(GroupOffsetsTest, OffsetsOfTopicsThatAMemberReadsAreNotDeleted) {
  broker_.CreateTopic("more");
  const std::string subscription = SubscriptionTo("orders");
  const auto [member, generation] = JoinAlone("g", subscription);
  ASSERT_EQ(CommitCode({.group = "g", .offset = 1, .member = member, .generation = generation}), "NONE");
  ASSERT_EQ(
      CommitCode({.group = "g", .offset = 2, .member = member, .generation = generation, .topic = "more"}),
      "NONE");
  kafka::OffsetDeleteRequest request;
  request.group_id = "g";
  for (const char* topic : {"orders", "more", "nowhere"}) {
    auto& asked = request.topics.emplace_back();
    asked.name = topic;
    asked.partitions.emplace_back().partition_index = 0;
  }
  const auto response = client_.Call(request, 0);
  ASSERT_EQ(response.topics.size(), 3u);
  EXPECT_EQ(Name(response.topics[0].partitions.at(0).error_code), "GROUP_SUBSCRIBED_TO_TOPIC");
  EXPECT_EQ(Name(response.topics[1].partitions.at(0).error_code), "NONE");
  EXPECT_EQ(Name(response.topics[2].partitions.at(0).error_code), "UNKNOWN_TOPIC_OR_PARTITION");
  EXPECT_EQ(Committed("g"), 1);
  EXPECT_EQ(Committed("g", "more"), -1);
  request.group_id = "nobody";
  EXPECT_EQ(Name(client_.Call(request, 0).error_code), "GROUP_ID_NOT_FOUND");
  JoinAlone("opaque");  // Its metadata is no subscription: any topic may be read.
  request.group_id = "opaque";
  EXPECT_EQ(Name(client_.Call(request, 0).topics.at(1).partitions.at(0).error_code),
            "GROUP_SUBSCRIBED_TO_TOPIC");
}

class ExpiryTest : public GroupTest {
 protected:
  ExpiryTest() : GroupTest({.configs = {{"offsets.retention.minutes", "60"}}, .clock = &Clock_()}) {}
  static ManualClock& Clock_() {
    static ManualClock clock(absl::Now());
    return clock;
  }
  void Pass(absl::Duration time) {
    Clock_().Advance(time);
    broker_.groups().OnTime();
  }
};

TEST_F(ExpiryTest, OffsetsWithoutMembersGoWhenTheirTimeIsOver) {
  const auto [member, generation] = JoinAlone("g", SubscriptionTo("orders"));
  ASSERT_EQ(CommitCode({.group = "g", .offset = 1, .member = member, .generation = generation}), "NONE");
  ASSERT_EQ(CommitCode({.group = "simple", .offset = 2}), "NONE");
  for (int i = 0; i < 70; ++i) {  // The member lives on; the simple consumer does nothing.
    kafka::HeartbeatRequest heartbeat;
    heartbeat.group_id = "g";
    heartbeat.member_id = member;
    heartbeat.generation_id = generation;
    for (int j = 0; j < 10; ++j) {
      Pass(absl::Seconds(6));
      ASSERT_EQ(Name(client_.Call(heartbeat, 4).error_code), "NONE");
    }
  }
  EXPECT_EQ(Committed("g"), 1);
  EXPECT_EQ(Committed("simple"), -1);
  EXPECT_EQ(StateOf("simple"), "Dead");
  Pass(absl::Minutes(30));  // Its session is over: the group is empty from now on.
  EXPECT_EQ(StateOf("g"), "Empty");
  Pass(absl::Minutes(50));
  EXPECT_EQ(Committed("g"), 1);
  Pass(absl::Minutes(20));
  EXPECT_EQ(Committed("g"), -1);
  EXPECT_EQ(StateOf("g"), "Dead");
}

TEST_F(ExpiryTest, AClientOfOldMaySayHowLongItsOffsetsAreKept) {
  auto request = MakeCommit({.group = "g", .offset = 1});
  request.retention_time_ms = 5 * 3'600'000;
  ASSERT_EQ(Name(client_.Call(request, 4).topics.at(0).partitions.at(0).error_code), "NONE");
  Pass(absl::Hours(4));
  EXPECT_EQ(Committed("g"), 1);
  Pass(absl::Hours(2));
  EXPECT_EQ(Committed("g"), -1);
}

TEST_F(ExpiryTest, TheLongestTimeThatCanBeAskedForIsForEver) {
  auto request = MakeCommit({.group = "g", .offset = 1});
  request.retention_time_ms = INT64_MAX;
  ASSERT_EQ(Name(client_.Call(request, 4).topics.at(0).partitions.at(0).error_code), "NONE");
  Pass(absl::Hours(24 * 365));
  EXPECT_EQ(Committed("g"), 1);
}

class FullDiskTest : public GroupTest {
 protected:
  FullDiskTest() : GroupTest({.disk = &Disk_(), .net = {.in_flight_max = 1000}}) {}
  static storage::FaultDisk& Disk_() {
    static storage::PosixDisk posix;
    static storage::FaultDisk disk(posix);
    return disk;
  }
};

// What memory says and the log does not must not outlive the write that failed.
TEST_F(FullDiskTest, ACommitThatFindsNoRoomIsNotKeptAndTheNextOneIs) {
  ASSERT_EQ(CommitCode({.group = "g", .offset = 1}), "NONE");
  Disk_().FailAllFrom(storage::DiskCall::kAllocate, 1, absl::ResourceExhaustedError("no space"));
  // Enough to need another extent.
  std::string code = "NONE";
  int64_t kept = 1;
  for (int64_t offset = 2; offset < 400 && code == "NONE"; ++offset) {
    code = CommitCode({.group = "g", .offset = offset, .metadata = std::string(4000, 'x')});
    kept = code == "NONE" ? offset : kept;
  }
  EXPECT_EQ(code, "COORDINATOR_NOT_AVAILABLE");
  Disk_().Heal(storage::DiskCall::kAllocate);
  for (int i = 0; i < 1000 && code != "NONE"; ++i) {
    code = CommitCode({.group = "other", .offset = 1});
  }
  EXPECT_EQ(code, "NONE");
  for (int i = 0; i < 1000 && Name(client_.Call(kafka::ListGroupsRequest(), 5).error_code) != "NONE"; ++i) {
  }
  EXPECT_EQ(Committed("g"), kept);
}

// Whoever asked behind a write that failed is told what it will ask again after: Java's consumer takes the
// code of the commit for the end here.
TEST_F(FullDiskTest, AFetchBehindAWriteThatFailsIsToldToComeAgain) {
  ASSERT_EQ(CommitCode({.group = "g", .offset = 1}), "NONE");
  constexpr int kCommits = 400;  // Enough to need another extent.
  Disk_().Hold(storage::DiskCall::kSync);
  Disk_().FailAllFrom(storage::DiskCall::kAllocate, 1, absl::ResourceExhaustedError("no space"));
  client_.Send(MakeCommit({.group = "g", .offset = 2}), 9);
  client_.Send(MakeOffsetFetch("g", "orders", {0}), 9);
  for (int64_t i = 0; i < kCommits; ++i) {
    client_.Send(MakeCommit({.group = "g", .offset = 3 + i, .metadata = std::string(4000, 'x')}), 9);
  }
  const auto commit = client_.Receive<kafka::OffsetCommitResponse>();
  EXPECT_EQ(Name(commit.topics.at(0).partitions.at(0).error_code), "COORDINATOR_NOT_AVAILABLE");
  const auto fetch = client_.Receive<kafka::OffsetFetchResponse>();
  EXPECT_EQ(Name(fetch.groups.at(0).error_code), "COORDINATOR_LOAD_IN_PROGRESS");
  Disk_().Heal(storage::DiskCall::kAllocate);
  Disk_().Release(storage::DiskCall::kSync);
}

class StalledDiskTest : public GroupTest {
 protected:
  StalledDiskTest()
      : GroupTest({.disk = &Disk_(), .net = {.in_flight_max = 2 * broker::GroupJournal::kChangesMax}}) {}
  static storage::FaultDisk& Disk_() {
    static storage::PosixDisk posix;
    static storage::FaultDisk disk(posix);
    return disk;
  }
  static std::string CodeOf(const kafka::OffsetCommitResponse& response) {
    return Name(response.topics.at(0).partitions.at(0).error_code);
  }
};

TEST_F(StalledDiskTest, WhoComesWhenTooMuchWaitsForTheDiskIsToComeAgain) {
  constexpr auto kFlood = static_cast<int64_t>(broker::GroupJournal::kChangesMax);
  Disk_().Hold(storage::DiskCall::kSync);
  RawClient flood = broker_.Connect();
  for (int64_t i = 0; i < kFlood; ++i) {
    flood.Send(MakeCommit({.group = "g", .offset = i}), 9);
  }
  // Of those who come after it, the first may overtake a part of the flood: they wait with it.
  std::string code;
  std::vector<RawClient> waiting;
  for (int i = 0; i < 100 && code.empty(); ++i) {
    waiting.push_back(broker_.Connect());
    waiting.back().Send(MakeCommit({.group = "g", .offset = i}), 9);
    if (waiting.back().HasAnswerWithin(200)) {
      code = CodeOf(waiting.back().Receive<kafka::OffsetCommitResponse>());
    }
  }
  EXPECT_EQ(code, "COORDINATOR_LOAD_IN_PROGRESS");
  EXPECT_EQ(Name(client_.Call(MakeJoin("g"), 3).error_code), "COORDINATOR_LOAD_IN_PROGRESS");
  kafka::ConsumerGroupHeartbeatRequest join;
  join.group_id = "g";
  join.member_id = "m";
  join.rebalance_timeout_ms = 1000;
  join.subscribed_topic_names = {{"orders"}};
  join.topic_partitions.emplace();
  EXPECT_EQ(Name(client_.Call(join, 1).error_code), "COORDINATOR_LOAD_IN_PROGRESS");
  Disk_().Release(storage::DiskCall::kSync);
  int64_t taken = 0;
  for (int64_t i = 0; i < kFlood; ++i) {
    taken += CodeOf(flood.Receive<kafka::OffsetCommitResponse>()) == "NONE" ? 1 : 0;
  }
  EXPECT_EQ(taken, kFlood - static_cast<int64_t>(waiting.size()) + 1);
  EXPECT_EQ(CommitCode({.group = "g", .offset = 7}), "NONE");
  EXPECT_EQ(Committed("g"), 7);
}

// Of two log dirs, the second fails: the groups that are written there cannot be read any more.
class LostShardTest : public GroupTest {
 protected:
  LostShardTest() : GroupTest({.second_disk = &Disk_()}) {}
  static storage::FaultDisk& Disk_() {
    static storage::PosixDisk posix;
    static storage::FaultDisk disk(posix);
    return disk;
  }
  std::string Beat(const std::string& group, const std::string& member, int32_t generation) {
    kafka::HeartbeatRequest heartbeat;
    heartbeat.group_id = group;
    heartbeat.member_id = member;
    heartbeat.generation_id = generation;
    return Name(client_.Call(heartbeat, 4).error_code);
  }
};

TEST_F(LostShardTest, MembersOfAGroupThatIsNotReadYetAreLeftInPeace) {
  std::map<std::string, std::pair<std::string, int32_t>> members;
  for (int i = 0; i < 8; ++i) {
    const std::string group = absl::StrCat("g", i);
    members[group] = JoinAlone(group);
  }
  Disk_().FailAllFrom(storage::DiskCall::kSync, 1, absl::DataLossError("Input/output error"));
  int lost = 0;
  for (const auto& [group, member] : members) {
    std::string code;
    for (int i = 0; i < 1000 && code != "NONE" && code != "COORDINATOR_LOAD_IN_PROGRESS"; ++i) {
      code = CommitCode({.group = group, .offset = 1, .member = member.first, .generation = member.second});
    }
    lost += code == "COORDINATOR_LOAD_IN_PROGRESS" ? 1 : 0;
    EXPECT_EQ(Beat(group, member.first, member.second), "NONE") << group << ", commits: " << code;
  }
  EXPECT_GT(lost, 0);
  EXPECT_LT(lost, 8);
  Disk_().Heal(storage::DiskCall::kSync);
}

// The state is a pure function of the log: after each of many changes, what the log gives is what is served.
TEST_F(GroupOffsetsTest, WhatTheLogSaysIsWhatIsServedAfterEveryChange) {
  const uint64_t seed = Random::FromSystem().Next();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  Random random(seed);
  std::string member;
  int32_t generation = -1;
  for (int step = 0; step < 120; ++step) {
    switch (random.Below(4)) {
      case 0:
        if (member.empty()) {
          std::tie(member, generation) = JoinAlone("g", SubscriptionTo("orders"));
        } else {
          kafka::LeaveGroupRequest leave;
          leave.group_id = "g";
          leave.member_id = std::exchange(member, "");
          ASSERT_EQ(Name(client_.Call(leave, 2).error_code), "NONE");
        }
        break;
      case 1:
        if (member.empty() && StateOf("g") == "Empty") {
          kafka::DeleteGroupsRequest request;
          request.groups_names = {"g"};
          ASSERT_EQ(Name(client_.Call(request, 2).results.at(0).error_code), "NONE");
        }
        break;
      default:
        ASSERT_EQ(CommitCode({.group = "g",
                              .offset = step,
                              .member = member,
                              .generation = member.empty() ? -1 : generation,
                              .partition = static_cast<int32_t>(random.Below(4))}),
                  "NONE");
    }
    std::map<std::string, std::string> told;
    for (int32_t i = 0; i < 4; ++i) {
      broker::GroupLoader loader({}, {}, {});
      ASSERT_EQ(loader.Read(broker_.partition("__consumer_offsets", i)), absl::OkStatus());
      for (const auto& [id, group] : loader.Take()) {
        for (const auto& [at, offset] : group.offsets.all()) {
          EXPECT_EQ(Committed(id, at.topic, at.partition.value()), offset.offset.value());
        }
        told[id] = std::string(broker::GroupStateName(group.classic.state()));
      }
    }
    EXPECT_EQ(told.contains("g") ? told["g"] : "Dead", StateOf("g")) << "step " << step;
  }
}

}  // namespace
}  // namespace sluice
