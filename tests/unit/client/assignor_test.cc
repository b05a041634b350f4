#include "client/internal/assignor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/base/endian.h"
#include "proto/base/random.h"

namespace sluice::client_internal {
namespace {

using ::testing::ElementsAre;

std::vector<TopicPartition> Partitions(const std::string& topic, int32_t from, int32_t to) {
  std::vector<TopicPartition> partitions;
  for (int32_t i = from; i < to; ++i) {
    partitions.push_back({topic, i});
  }
  return partitions;
}

AssignedMember Wants(const std::string& id, std::vector<std::string> topics,
                     std::vector<TopicPartition> owned = {}, int32_t generation = 1) {
  return {.member_id = id,
          .instance_id = "",
          .subscription = {.topics = std::move(topics), .owned = std::move(owned), .generation = generation}};
}

std::string Text(const Assignments& assignments) {
  return absl::StrJoin(assignments, " ", [](std::string* out, const auto& member) {
    absl::StrAppend(out, member.first, "=",
                    absl::StrJoin(member.second, ",", [](std::string* text, const TopicPartition& partition) {
                      absl::StrAppend(text, partition.topic, partition.partition);
                    }));
  });
}

// What each member has when all rounds are through.
Assignments Settle(std::vector<AssignedMember> members, const PartitionCounts& topics,
                   int* rounds = nullptr) {
  for (int round = 1;; ++round) {
    const Assignments found = Assign(Assignor::kCooperativeSticky, members, topics);
    bool moved = false;
    for (AssignedMember& member : members) {
      const std::vector<TopicPartition>& now = found.at(member.member_id);
      moved |= !std::includes(now.begin(), now.end(), member.subscription.owned.begin(),
                              member.subscription.owned.end());
      member.subscription.owned = now;
      member.subscription.generation = round + 1;
    }
    if (!moved || round == 10) {
      if (rounds != nullptr) {
        *rounds = round;
      }
      return found;
    }
  }
}

TEST(RangeAssignor, GivesNeighboursAndTheFirstOneMore) {
  EXPECT_EQ(
      Text(Assign(Assignor::kRange, {Wants("c", {"t"}), Wants("a", {"t"}), Wants("b", {"t"})}, {{"t", 7}})),
      "a=t0,t1,t2 b=t3,t4 c=t5,t6");
}

TEST(RangeAssignor, CountsEachTopicByItself) {
  EXPECT_EQ(Text(Assign(Assignor::kRange, {Wants("a", {"t", "u"}), Wants("b", {"t"}), Wants("c", {"u"})},
                        {{"t", 2}, {"u", 3}})),
            "a=t0,u0,u1 b=t1 c=u2");
}

TEST(RangeAssignor, MoreMembersThanPartitionsLeavesSomeIdle) {
  EXPECT_EQ(Text(Assign(Assignor::kRange, {Wants("a", {"t"}), Wants("b", {"t"})}, {{"t", 1}})), "a=t0 b=");
}

TEST(RangeAssignor, StaticMembersKeepTheirPlacesAcrossMemberIds) {
  std::vector<AssignedMember> members = {Wants("z", {"t"}), Wants("y", {"t"}), Wants("a", {"t"})};
  members[0].instance_id = "1";
  members[1].instance_id = "2";
  EXPECT_EQ(Text(Assign(Assignor::kRange, members, {{"t", 3}})), "a=t2 y=t1 z=t0");
}

TEST(RangeAssignor, TopicThatDoesNotExistHasNoPartitions) {
  EXPECT_EQ(Text(Assign(Assignor::kRange, {Wants("a", {"gone"})}, {})), "a=");
}

TEST(StickyAssignor, FirstMembersShareEvenly) {
  EXPECT_EQ(Text(Assign(Assignor::kCooperativeSticky, {Wants("a", {"t"}), Wants("b", {"t"})}, {{"t", 4}})),
            "a=t0,t2 b=t1,t3");
}

TEST(StickyAssignor, NewMemberWaitsUntilWhatItGetsIsGivenBack) {
  const std::vector<AssignedMember> members = {Wants("a", {"t"}, Partitions("t", 0, 3)),
                                               Wants("b", {"t"}, Partitions("t", 3, 6)), Wants("c", {"t"})};
  EXPECT_EQ(Text(Assign(Assignor::kCooperativeSticky, members, {{"t", 6}})), "a=t0,t1 b=t3,t4 c=");
  int rounds = 0;
  EXPECT_EQ(Text(Settle(members, {{"t", 6}}, &rounds)), "a=t0,t1 b=t3,t4 c=t2,t5");
  EXPECT_EQ(rounds, 2);
}

TEST(StickyAssignor, WhatADeadMemberHadGoesOutAtOnce) {
  EXPECT_EQ(Text(Assign(Assignor::kCooperativeSticky,
                        {Wants("a", {"t"}, Partitions("t", 0, 2)), Wants("b", {"t"}, Partitions("t", 4, 6))},
                        {{"t", 6}})),
            "a=t0,t1,t2 b=t3,t4,t5");
}

TEST(StickyAssignor, LaterGenerationIsBelieved) {
  EXPECT_EQ(Text(Assign(Assignor::kCooperativeSticky,
                        {Wants("a", {"t"}, {{"t", 0}, {"t", 1}}, 4), Wants("b", {"t"}, {{"t", 1}}, 5)},
                        {{"t", 2}})),
            "a=t0 b=t1");
}

TEST(StickyAssignor, ClaimOfTwoInOneGenerationIsNobodys) {
  const Assignments found =
      Assign(Assignor::kCooperativeSticky, {Wants("a", {"t"}, {{"t", 0}}), Wants("b", {"t"}, {{"t", 0}})},
             {{"t", 1}});
  EXPECT_EQ(Text(found), "a=t0 b=");
}

TEST(StickyAssignor, TopicsThatFewWantAreMadeUpForByTheOthers) {
  EXPECT_EQ(Text(Assign(Assignor::kCooperativeSticky, {Wants("a", {"t", "u"}), Wants("b", {"u"})},
                        {{"t", 2}, {"u", 2}})),
            "a=t0,t1 b=u0,u1");
}

// Members come and go, topics grow; after each change: every partition that somebody wants has one owner,
// loads differ by one where all want the same, and no more moves than a fair share needs.
TEST(StickyAssignor, RandomHistoriesStayFairAndSticky) {
  const uint64_t seed = Random::FromSystem().Next();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  Random random(seed);
  std::vector<AssignedMember> members = {Wants("m0", {"t", "u"})};
  PartitionCounts topics = {{"t", 5}, {"u", 3}};
  int next = 1;
  for (int step = 0; step < 200; ++step) {
    if (random.Below(3) > 0 && members.size() > 1) {
      members.erase(members.begin() + static_cast<std::ptrdiff_t>(random.Below(members.size())));
    } else if (members.size() < 9) {
      members.push_back(Wants(absl::StrCat("m", next++), {"t", "u"}));
    } else {
      ++topics["t"];
    }
    const size_t before = members.size();
    const Assignments settled = Settle(members, topics);
    std::set<TopicPartition> seen;
    size_t least = 1'000;
    size_t most = 0;
    for (AssignedMember& member : members) {
      const std::vector<TopicPartition>& now = settled.at(member.member_id);
      const size_t fair = static_cast<size_t>(topics["t"] + topics["u"]) / before;
      std::vector<TopicPartition> kept;
      std::set_intersection(now.begin(), now.end(), member.subscription.owned.begin(),
                            member.subscription.owned.end(), std::back_inserter(kept));
      EXPECT_GE(kept.size(), std::min(member.subscription.owned.size(), fair));
      least = std::min(least, now.size());
      most = std::max(most, now.size());
      for (const TopicPartition& partition : now) {
        EXPECT_TRUE(seen.insert(partition).second) << partition.topic << partition.partition;
      }
      member.subscription.owned = now;
    }
    EXPECT_EQ(seen.size(), static_cast<size_t>(topics["t"] + topics["u"]));
    EXPECT_LE(most - least, 1u);
  }
}

TEST(ConsumerProtocol, SubscriptionsComeBackAsTheyWent) {
  const Subscription sent{.topics = {"a", "b"}, .owned = {{"a", 0}, {"a", 2}, {"b", 1}}, .generation = 7};
  for (const Assignor assignor : {Assignor::kRange, Assignor::kCooperativeSticky}) {
    const Subscription got = *DecodeSubscription(EncodeSubscription(sent, assignor));
    EXPECT_EQ(got.topics, sent.topics);
    EXPECT_EQ(got.owned, sent.owned);
    EXPECT_EQ(got.generation, 7);
  }
}

// Version 1 as Java's clients before 3.4 write it: [a], user data with generation 7, owned [a: 0].
TEST(ConsumerProtocol, GenerationOfOlderStickyMembersIsReadFromTheirUserData) {
  Bytes bytes(2 + 4 + 2 + 1 + 4 + 4 + 4 + 2 + 1 + 4 + 4);
  std::byte* at = bytes.data();
  const auto put16 = [&](int16_t value) { StoreBigEndian<int16_t>(at, value), at += 2; };
  const auto put32 = [&](int32_t value) { StoreBigEndian<int32_t>(at, value), at += 4; };
  put16(1);
  put32(1);
  put16(1);
  *at++ = std::byte{'a'};
  put32(4);
  put32(7);
  put32(1);
  put16(1);
  *at++ = std::byte{'a'};
  put32(1);
  put32(0);
  const Subscription got = *DecodeSubscription(bytes);
  EXPECT_THAT(got.topics, ElementsAre("a"));
  EXPECT_THAT(got.owned, ElementsAre(TopicPartition{"a", 0}));
  EXPECT_EQ(got.generation, 7);
}

TEST(ConsumerProtocol, AssignmentsComeBackOrderedAndEmptyOnesAreFine) {
  EXPECT_THAT(*DecodeAssignment(EncodeAssignment({{"a", 1}, {"b", 0}})),
              ElementsAre(TopicPartition{"a", 1}, TopicPartition{"b", 0}));
  EXPECT_TRUE(DecodeAssignment({})->empty());
  EXPECT_TRUE(DecodeAssignment(EncodeAssignment({}))->empty());
}

TEST(ConsumerProtocol, GarbageIsDataLoss) {
  const Bytes garbage(5, std::byte{0x7f});
  EXPECT_TRUE(absl::IsDataLoss(DecodeSubscription(garbage).status()));
  EXPECT_TRUE(absl::IsDataLoss(DecodeAssignment(garbage).status()));
  EXPECT_TRUE(absl::IsDataLoss(DecodeSubscription({}).status()));
}

}  // namespace
}  // namespace sluice::client_internal
