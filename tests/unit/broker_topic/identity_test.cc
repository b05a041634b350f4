#include "broker/topic/identity.h"

#include <gtest/gtest.h>

#include "broker/topic/producer_ids.h"
#include "storage/meta/memory_metadata_store.h"

namespace sluice::broker {
namespace {

TEST(IdentityTest, ClusterIdIsMadeOnce) {
  const auto store = storage::NewMemoryMetadataStore();
  Random random(1);
  const auto first = ClusterId(*store, random);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_FALSE(first->IsZero());
  EXPECT_EQ(*ClusterId(*store, random), *first);
}

TEST(IdentityTest, EpochGrowsWithEveryStartOfANode) {
  const auto store = storage::NewMemoryMetadataStore();
  EXPECT_EQ(*NextBootEpoch(*store, NodeId(1)), LeaderEpoch(1));
  EXPECT_EQ(*NextBootEpoch(*store, NodeId(1)), LeaderEpoch(2));
  EXPECT_EQ(*NextBootEpoch(*store, NodeId(2)), LeaderEpoch(1));
}

TEST(IdentityTest, DamagedValueIsNotTakenForANewCluster) {
  const auto store = storage::NewMemoryMetadataStore();
  Random random(1);
  ASSERT_TRUE(store->Commit({.conditions = {}, .writes = {{"/cluster/id", "\xff\xff"}}}).ok());
  EXPECT_TRUE(absl::IsDataLoss(ClusterId(*store, random).status()));
}

TEST(ProducerIdsTest, AreNeverGivenTwiceOverRestarts) {
  const auto store = storage::NewMemoryMetadataStore();
  int64_t last = -1;
  for (int start = 0; start < 3; ++start) {
    ProducerIdAllocator allocator(*store);
    EXPECT_EQ(allocator.TryNext(), std::nullopt);
    for (int64_t i = 0; i < ProducerIdAllocator::kBlockSize + 5; ++i) {
      const auto id = allocator.Next();
      ASSERT_TRUE(id.ok());
      ASSERT_GT(id->value(), last);
      last = id->value();
    }
    EXPECT_EQ(allocator.TryNext(), ProducerId(last + 1));
    ++last;
  }
}

}  // namespace
}  // namespace sluice::broker
