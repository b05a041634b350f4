#include "proto/base/murmur2.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

// The values that Kafka's own clients compute.
TEST(Murmur2Test, AgreesWithJava) {
  EXPECT_EQ(Murmur2(AsBytes("21")), -973932308);
  EXPECT_EQ(Murmur2(AsBytes("foobar")), -790332482);
  EXPECT_EQ(Murmur2(AsBytes("a-little-bit-long-string")), -985981536);
  EXPECT_EQ(Murmur2(AsBytes("a-little-bit-longer-string")), -1486304829);
  EXPECT_EQ(Murmur2(AsBytes("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8")), -58897971);
  EXPECT_EQ(Murmur2(AsBytes("abc")), 479470107);
}

TEST(Murmur2Test, PartitionIsInRange) {
  for (int i = 0; i < 100; ++i) {
    const std::string key = std::to_string(i);
    const int32_t partition = PartitionOfKey(AsBytes(key), 7);
    EXPECT_GE(partition, 0);
    EXPECT_LT(partition, 7);
  }
}

}  // namespace
}  // namespace sluice
