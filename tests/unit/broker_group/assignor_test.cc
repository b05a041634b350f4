// Who gets which partition: what holds for every input, and a few that tell how.
#include "broker/group/core/consumer/assignor.h"

#include <map>
#include <numeric>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "proto/base/random.h"

namespace sluice::broker {
namespace {

Uuid TopicId(size_t number) {
  Uuid id;
  id.bytes[15] = static_cast<uint8_t>(number + 1);
  return id;
}

// Topics with so many partitions each, and so many members that subscribe to all of them.
AssignorInput InputOf(const std::vector<int32_t>& partitions, int members) {
  AssignorInput input;
  for (size_t topic = 0; topic < partitions.size(); ++topic) {
    input.topics.push_back({.id = TopicId(topic), .partitions = partitions[topic]});
  }
  for (int member = 0; member < members; ++member) {
    auto& added = input.members.emplace_back();
    added.id = absl::StrCat("m", member);
    added.topics.resize(partitions.size());
    std::iota(added.topics.begin(), added.topics.end(), size_t{0});
  }
  return input;
}

// "0:1" is partition 1 of topic 0.
std::vector<std::string> ToText(const AssignorResult& result) {
  std::vector<std::string> text;
  for (const PartitionList& partitions : result) {
    std::string& of_member = text.emplace_back();
    for (const TopicIdPartition& at : partitions) {
      absl::StrAppend(&of_member, of_member.empty() ? "" : " ", at.topic.bytes[15] - 1, ":",
                      at.partition.value());
    }
  }
  return text;
}

AssignorInput RandomInput(Random& random) {
  AssignorInput input;
  const size_t topics = random.Below(6);
  for (size_t topic = 0; topic < topics; ++topic) {
    input.topics.push_back({.id = TopicId(topic), .partitions = static_cast<int32_t>(1 + random.Below(9))});
  }
  const uint64_t members = random.Below(8);
  for (uint64_t member = 0; member < members; ++member) {
    auto& added = input.members.emplace_back();
    added.id = absl::StrCat("m", member);
    if (random.Below(3) == 0) {
      added.instance_id = absl::StrCat("i", random.Below(100), "-", member);
    }
    for (size_t topic = 0; topic < topics; ++topic) {
      if (random.Below(2) == 0) {
        added.topics.push_back(topic);
      }
    }
    for (uint64_t i = random.Below(6); i > 0; --i) {  // Also what is gone, or not subscribed to.
      added.has.push_back({TopicId(random.Below(7)), PartitionId(static_cast<int32_t>(random.Below(10)))});
    }
    added.has = Sorted(std::move(added.has));
  }
  return input;
}

bool Subscribes(const AssignorMember& member, size_t topic) {
  return std::binary_search(member.topics.begin(), member.topics.end(), topic);
}

void ExpectEachPartitionHasOneOfItsSubscribers(const AssignorInput& input, const AssignorResult& result) {
  ASSERT_EQ(result.size(), input.members.size());
  std::map<TopicIdPartition, size_t> owners;
  for (size_t member = 0; member < result.size(); ++member) {
    EXPECT_TRUE(std::is_sorted(result[member].begin(), result[member].end()));
    for (const TopicIdPartition& at : result[member]) {
      EXPECT_TRUE(owners.emplace(at, member).second) << "two members shall have one partition";
      EXPECT_TRUE(Subscribes(input.members[member], at.topic.bytes[15] - 1u));
    }
  }
  size_t expected = 0;
  for (size_t topic = 0; topic < input.topics.size(); ++topic) {
    const bool is_read = std::any_of(input.members.begin(), input.members.end(),
                                     [&](const auto& member) { return Subscribes(member, topic); });
    expected += is_read ? static_cast<size_t>(input.topics[topic].partitions) : 0;
  }
  EXPECT_EQ(owners.size(), expected);
}

// Of nobody who has two more than another one may the other one have any.
void ExpectNoMoveWouldHelp(const AssignorInput& input, const AssignorResult& result) {
  for (size_t rich = 0; rich < result.size(); ++rich) {
    for (const TopicIdPartition& at : result[rich]) {
      for (size_t poor = 0; poor < result.size(); ++poor) {
        if (result[rich].size() >= result[poor].size() + 2) {
          EXPECT_FALSE(Subscribes(input.members[poor], at.topic.bytes[15] - 1u))
              << rich << " could give to " << poor;
        }
      }
    }
  }
}

TEST(AssignorTest, EveryAssignmentIsWholeAndUniformOnesAreBalancedAndStay) {
  const uint64_t first = Random::FromSystem().Next();
  for (uint64_t seed = first; seed < first + 3'000 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    Random random(seed);
    AssignorInput input = RandomInput(random);
    ExpectEachPartitionHasOneOfItsSubscribers(input, AssignRange(input));
    const AssignorResult uniform = AssignUniform(input);
    ExpectEachPartitionHasOneOfItsSubscribers(input, uniform);
    ExpectNoMoveWouldHelp(input, uniform);
    for (size_t member = 0; member < uniform.size(); ++member) {
      input.members[member].has = uniform[member];
    }
    EXPECT_EQ(ToText(AssignUniform(input)), ToText(uniform));
  }
}

TEST(AssignorTest, UniformTakesAsFewAsItCanFromThoseWhoHaveSome) {
  AssignorInput input = InputOf({4, 5}, 2);
  AssignorResult before = AssignUniform(input);
  EXPECT_EQ(before[0].size() + before[1].size(), 9u);
  input = InputOf({4, 5}, 3);
  input.members[0].has = before[0];
  input.members[1].has = before[1];
  const AssignorResult after = AssignUniform(input);
  for (size_t member = 0; member < 3; ++member) {
    EXPECT_EQ(after[member].size(), 3u);
  }
  for (size_t member = 0; member < 2; ++member) {
    for (const TopicIdPartition& at : after[member]) {
      EXPECT_TRUE(Contains(before[member], at)) << "the two that were there changed places";
    }
  }
}

TEST(AssignorTest, UniformHandsOutWhatIsFreeAndMovesNothingElse) {
  AssignorInput input = InputOf({6}, 2);
  input.members[0].has = {{TopicId(0), PartitionId(1)}, {TopicId(0), PartitionId(5)}};
  input.members[1].has = {{TopicId(0), PartitionId(0)}};
  EXPECT_EQ(ToText(AssignUniform(input)), (std::vector<std::string>{"0:1 0:3 0:5", "0:0 0:2 0:4"}));
}

// m0 reads a, m1 reads a and b, m2 reads b. All of a is m1's, all of b m2's: m0 can have of m1, which then
// has to get of m2.
TEST(AssignorTest, UniformBalancesThroughAMemberBetween) {
  AssignorInput input = InputOf({2, 4}, 3);
  input.members[0].topics = {0};
  input.members[2].topics = {1};
  input.members[1].has = {{TopicId(0), PartitionId(0)}, {TopicId(0), PartitionId(1)}};
  for (int32_t partition = 0; partition < 4; ++partition) {
    input.members[2].has.push_back({TopicId(1), PartitionId(partition)});
  }
  const AssignorResult result = AssignUniform(input);
  EXPECT_EQ(result[0].size(), 2u);
  EXPECT_EQ(result[1].size(), 2u);
  EXPECT_EQ(result[2].size(), 2u);
}

TEST(AssignorTest, RangeKeepsNeighboursTogetherAndSplitsTopicsAlike) {
  EXPECT_EQ(ToText(AssignRange(InputOf({7, 7}, 3))),
            (std::vector<std::string>{"0:0 0:1 0:2 1:0 1:1 1:2", "0:3 0:4 1:3 1:4", "0:5 0:6 1:5 1:6"}));
  EXPECT_EQ(ToText(AssignRange(InputOf({1, 1}, 2))), (std::vector<std::string>{"0:0 1:0", ""}));
}

TEST(AssignorTest, RangeServesStaticMembersFirstByTheirNames) {
  AssignorInput input = InputOf({3}, 3);
  input.members[1].instance_id = "b";
  input.members[2].instance_id = "a";
  EXPECT_EQ(ToText(AssignRange(input)), (std::vector<std::string>{"0:2", "0:1", "0:0"}));
}

TEST(AssignorTest, NobodyGetsNothing) {
  EXPECT_TRUE(AssignUniform({}).empty());
  EXPECT_TRUE(AssignUniform(InputOf({3}, 0)).empty());
  EXPECT_EQ(AssignUniform(InputOf({}, 2)).size(), 2u);
  EXPECT_TRUE(AssignRange({}).empty());
  EXPECT_EQ(FindAssignor("sticky"), nullptr);
}

}  // namespace
}  // namespace sluice::broker
