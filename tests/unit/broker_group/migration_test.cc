// Groups that go over from one protocol to the other while their members read on.
#include "broker/group/core/consumer/migration.h"

#include "broker/group/core/consumer/classic_bytes.h"
#include "gtest/gtest.h"
#include "proto/kafka/gen/consumer_protocol.h"
#include "proto/kafka/wire_writer.h"
#include "tests/unit/broker_group/fake_topics.h"
#include "tests/unit/broker_group/subscription_bytes.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;

class MigrationTest : public ::testing::Test {
 protected:
  MigrationTest() { topics_.Make("orders", 4); }

  // Two members of a classic group in generation 2, with two partitions each.
  ClassicGroup Classic(const std::string& type = "consumer") {
    ClassicGroup group("g", {.initial_rebalance_delay_ms = 0});
    Join(&group, "c1", type);
    Join(&group, "c2", type);
    Join(&group, "c1", type, /*is_new=*/false);
    ClassicEffects effects;
    group.Sync({.member = {.member_id = "c1", .generation = 2},
                .assignments = {{"c1", Assignment({0, 1})}, {"c2", Assignment({2, 3})}}},
               ++token_, kNow.monotonic_ms, &effects);
    group.Sync({.member = {.member_id = "c2", .generation = 2}}, ++token_, kNow.monotonic_ms, &effects);
    EXPECT_EQ(group.state(), GroupState::kStable);
    return group;
  }

  void Join(ClassicGroup* group, const std::string& id, const std::string& type, bool is_new = true) {
    ClassicEffects effects;
    JoinRequest request{.member_id = is_new ? "" : id,
                        .client_id = "client",
                        .client_host = "/127.0.0.1",
                        .session_timeout_ms = 10'000,
                        .rebalance_timeout_ms = 30'000,
                        .protocol_type = type,
                        .protocols = {{"range", SubscriptionBytes({"orders"}, {}, topics_)}},
                        .new_member_id = is_new ? id : ""};
    group->Join(request, ++token_, kNow.monotonic_ms, &effects);
  }

  std::string Assignment(const std::vector<int32_t>& partitions) const {
    return EncodeAssignment(List(partitions), SubscriptionBytes({"orders"}, {}, topics_), topics_);
  }
  PartitionList List(const std::vector<int32_t>& partitions) const {
    PartitionList list;
    for (const int32_t partition : partitions) {
      list.push_back(topics_.At("orders", partition));
    }
    return list;
  }

  ConsumerHeartbeatAnswer Heartbeat(ConsumerGroup* group, ConsumerHeartbeat request) {
    return group->Heartbeat(request, topics_, kNow, &effects_);
  }
  ConsumerHeartbeat Joining(const std::string& id) const {
    return {.member_id = id,
            .rebalance_timeout_ms = 30'000,
            .topics = std::vector<std::string>{"orders"},
            .owned = PartitionList()};
  }

  static constexpr GroupTime kNow = {.monotonic_ms = 1'000, .wall_ms = 5'000'000};
  FakeTopics topics_;
  ConsumerEffects effects_;
  AnswerToken token_ = 0;
};

TEST_F(MigrationTest, MembersOfAClassicGroupStayWithWhatTheyHave) {
  auto group = Upgrade(Classic(), {}, topics_, kNow, &effects_);
  ASSERT_TRUE(group.has_value());
  EXPECT_EQ(group->epoch(), 2);
  EXPECT_EQ(group->state(), ConsumerGroupState::kStable);
  EXPECT_EQ(ListOf(group->members().at("c1").current.assigned), List({0, 1}));
  EXPECT_EQ(ListOf(group->members().at("c2").current.assigned), List({2, 3}));
  EXPECT_EQ(group->ClassicHeartbeat({.member_id = "c1", .generation = 2}, topics_, kNow, &effects_),
            ErrorCode::kNone);
  EXPECT_EQ(group->CheckCommit({.member_id = "c1", .generation = 2}, {}, topics_), ErrorCode::kNone);
  ConsumerGroup replayed("g", {});
  for (const ConsumerRecord& record : effects_.records) {
    replayed.Apply(record);
  }
  EXPECT_EQ(replayed.members().size(), 2u);
  EXPECT_EQ(replayed.epoch(), 2);
}

TEST_F(MigrationTest, WhoJoinsByTheNewProtocolWaitsForWhatClassicMembersGiveUp) {
  auto group = Upgrade(Classic(), {}, topics_, kNow, &effects_);
  ASSERT_TRUE(group.has_value());
  const auto joined = Heartbeat(&*group, Joining("m1"));
  EXPECT_EQ(joined.error, ErrorCode::kNone);
  EXPECT_EQ(joined.epoch, 3);
  EXPECT_EQ(joined.assignment, PartitionList());
  EXPECT_EQ(group->ClassicHeartbeat({.member_id = "c1", .generation = 2}, topics_, kNow, &effects_),
            ErrorCode::kRebalanceInProgress);
  EXPECT_EQ(group->ClassicHeartbeat({.member_id = "c2", .generation = 2}, topics_, kNow, &effects_),
            ErrorCode::kRebalanceInProgress);
}

TEST_F(MigrationTest, SomeGroupsStayAsTheyAre) {
  EXPECT_FALSE(Upgrade(Classic(), {.may_upgrade = false}, topics_, kNow, &effects_).has_value());
  EXPECT_FALSE(Upgrade(Classic(), {.size_max = 1}, topics_, kNow, &effects_).has_value());
  EXPECT_FALSE(Upgrade(Classic("connect"), {}, topics_, kNow, &effects_).has_value());
  ClassicGroup unreadable("g", {.initial_rebalance_delay_ms = 0});
  ClassicEffects effects;
  unreadable.Join({.member_id = "",
                   .session_timeout_ms = 10'000,
                   .protocol_type = "consumer",
                   .protocols = {{"range", "?"}},
                   .new_member_id = "c1"},
                  ++token_, kNow.monotonic_ms, &effects);
  EXPECT_FALSE(Upgrade(unreadable, {}, topics_, kNow, &effects_).has_value());
  EXPECT_TRUE(effects_.records.empty());
}

// An assignor of the members' own that hands words along would lose them.
TEST_F(MigrationTest, WordsOfAnAssignorOfTheirOwnKeepAGroupAsItIs) {
  kafka::ConsumerProtocolAssignment assignment;
  assignment.user_data = AsBytes("words");
  kafka::WireWriter out;
  out.WriteInt16(0);
  assignment.Encode(out, 0);
  ClassicGroup group = Classic();
  ClassicEffects effects;
  Join(&group, "c1", "consumer", /*is_new=*/false);
  Join(&group, "c2", "consumer", /*is_new=*/false);
  group.Sync({.member = {.member_id = group.leader(), .generation = group.generation()},
              .assignments = {{"c1", std::string(AsText(out.buffer()))}}},
             ++token_, kNow.monotonic_ms, &effects);
  ASSERT_EQ(group.state(), GroupState::kStable);
  EXPECT_FALSE(Upgrade(group, {}, topics_, kNow, &effects_).has_value());
}

TEST_F(MigrationTest, WhoIsLeftIsAskedToJoinTheClassicGroupWithWhatItHas) {
  auto group = Upgrade(Classic(), {}, topics_, kNow, &effects_);
  ASSERT_TRUE(group.has_value());
  ASSERT_EQ(Heartbeat(&*group, Joining("m1")).error, ErrorCode::kNone);
  effects_ = {};
  ASSERT_EQ(Heartbeat(&*group, {.member_id = "m1", .epoch = kLeaveEpoch}).error, ErrorCode::kNone);
  ASSERT_TRUE(effects_.downgrade.has_value());
  ClassicEffects begun;
  ClassicGroup classic =
      ToClassicGroup(*group, *effects_.downgrade, {.initial_rebalance_delay_ms = 0}, topics_, kNow, &begun);
  EXPECT_TRUE(begun.store);
  EXPECT_EQ(classic.state(), GroupState::kPreparingRebalance);
  EXPECT_EQ(classic.generation(), 3);
  EXPECT_EQ(classic.protocol_type(), "consumer");
  ASSERT_EQ(classic.members().size(), 2u);
  EXPECT_EQ(classic.members().at("c1").session_timeout_ms, 10'000);
  EXPECT_NE(classic.next_deadline_ms(), INT64_MAX);
  EXPECT_EQ(classic.Heartbeat({.member_id = "c1", .generation = 3}, kNow.monotonic_ms),
            ErrorCode::kRebalanceInProgress);
  Join(&classic, "c1", "consumer", /*is_new=*/false);
  Join(&classic, "c2", "consumer", /*is_new=*/false);
  EXPECT_EQ(classic.state(), GroupState::kCompletingRebalance);
  EXPECT_EQ(classic.generation(), 4);
  ClassicGroup loaded("g", {});
  loaded.Load(classic.ToRecord(), kNow.monotonic_ms);
  EXPECT_EQ(loaded.members().size(), 2u);
}

}  // namespace
}  // namespace sluice::broker
