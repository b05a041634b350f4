#include "proto/base/nearest_name.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(NearestName, FindsTheNameThatWasMeant) {
  EXPECT_EQ(NearestName("ordres", {"users", "orders", "x"}), absl::string_view("orders"));
  EXPECT_EQ(NearestName("log.retension.ms", {"log.retention.bytes", "log.retention.ms"}),
            absl::string_view("log.retention.ms"));
}

TEST(NearestName, NamesNothingWhenNothingIsNear) {
  EXPECT_EQ(NearestName("ordres", {"completely-else"}), std::nullopt);
  EXPECT_EQ(NearestName("ordres", {}), std::nullopt);
}

TEST(EditDistance, CountsInsertionsDeletionsAndChanges) {
  EXPECT_EQ(EditDistance("", ""), 0u);
  EXPECT_EQ(EditDistance("abc", ""), 3u);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3u);
}

}  // namespace
}  // namespace sluice
