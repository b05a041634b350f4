#include "storage/meta/lease_table.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr absl::Duration At(int64_t seconds) {
  return absl::Seconds(seconds);
}

TEST(LeaseTable, LeaseEndsAtItsDeadlineUnlessRenewed) {
  LeaseTable table;
  const int64_t lease = table.Grant(absl::Seconds(10), At(0));
  EXPECT_TRUE(table.IsLive(lease, At(9)));
  EXPECT_TRUE(table.Renew(lease, At(9)));
  EXPECT_TRUE(table.IsLive(lease, At(18)));
  EXPECT_THAT(table.Expired(At(18)), IsEmpty());
  EXPECT_FALSE(table.IsLive(lease, At(19)));
  EXPECT_THAT(table.Expired(At(19)), ElementsAre(lease));
}

TEST(LeaseTable, AnExpiredLeaseCannotBeRenewed) {
  LeaseTable table;
  const int64_t lease = table.Grant(absl::Seconds(10), At(0));
  EXPECT_FALSE(table.Renew(lease, At(10)));
  EXPECT_TRUE(table.Has(lease)) << "its keys are still to be deleted";
}

TEST(LeaseTable, AKeyHangsOnTheLastLeaseItWasWrittenUnder) {
  LeaseTable table;
  const int64_t first = table.Grant(absl::Seconds(10), At(0));
  const int64_t second = table.Grant(absl::Seconds(10), At(0));
  table.Attach("a", first);
  table.Attach("b", first);
  table.Attach("b", second);
  EXPECT_THAT(table.KeysOf(first), ElementsAre("a"));
  EXPECT_THAT(table.KeysOf(second), ElementsAre("b"));
  table.Attach("b", 0);
  EXPECT_THAT(table.KeysOf(second), IsEmpty());
}

TEST(LeaseTable, KeysOfARemovedLeaseAreFree) {
  LeaseTable table;
  const int64_t first = table.Grant(absl::Seconds(10), At(0));
  table.Attach("a", first);
  table.Remove(first);
  const int64_t second = table.Grant(absl::Seconds(10), At(0));
  EXPECT_NE(first, second);
  table.Attach("a", second);
  EXPECT_THAT(table.KeysOf(second), ElementsAre("a"));
}

}  // namespace
}  // namespace sluice::storage
