#include "proto/base/ids.h"

#include <type_traits>

#include "absl/container/flat_hash_set.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

static_assert(!std::is_convertible_v<int64_t, Offset>, "a bare number is not an offset");
static_assert(!std::is_convertible_v<PartitionId, NodeId>, "one id is not another");
static_assert(sizeof(Offset) == sizeof(int64_t));

TEST(StrongIntTest, OffsetsMoveByCountsAndDifferByCounts) {
  const Offset base(100);
  EXPECT_EQ(base + 5, Offset(105));
  EXPECT_EQ(base - 1, Offset(99));
  EXPECT_EQ(Offset(105) - base, 5);
  EXPECT_LT(base, Offset(101));
  Offset next = base;
  EXPECT_EQ(++next, Offset(101));
}

TEST(StrongIntTest, StartsAtZeroAndHashes) {
  EXPECT_EQ(PartitionId().value(), 0);
  const absl::flat_hash_set<PartitionId> set = {PartitionId(1), PartitionId(2), PartitionId(1)};
  EXPECT_EQ(set.size(), 2u);
  EXPECT_TRUE(set.contains(PartitionId(2)));
}

TEST(StrongIntTest, MinusOneMeansUnknownInKafka) {
  EXPECT_EQ(kNoLeaderEpoch.value(), -1);
  EXPECT_EQ(kNoProducerId.value(), -1);
  EXPECT_EQ(kNoProducerEpoch.value(), -1);
  EXPECT_EQ(kNoSequence, -1);
}

}  // namespace
}  // namespace sluice
