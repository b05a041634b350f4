#include <gtest/gtest.h>

#include "proto/base/murmur2.h"

namespace sluice {
namespace {

// The pairs stand in Apache Kafka's own tests.
TEST(PartitionerTest, HashesAsJavaDoes) {
  EXPECT_EQ(Murmur2(AsBytes("21")), -973932308);
  EXPECT_EQ(Murmur2(AsBytes("foobar")), -790332482);
  EXPECT_EQ(Murmur2(AsBytes("a-little-bit-long-string")), -985981536);
  EXPECT_EQ(Murmur2(AsBytes("a-little-bit-longer-string")), -1486304829);
  EXPECT_EQ(Murmur2(AsBytes("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8")), -58897971);
  EXPECT_EQ(Murmur2(AsBytes("abc")), 479470107);
}

TEST(PartitionerTest, NegativeHashesGiveValidPartitions) {
  for (const char* key : {"21", "foobar", "", "x"}) {
    EXPECT_GE(PartitionOfKey(AsBytes(key), 7), 0);
    EXPECT_LT(PartitionOfKey(AsBytes(key), 7), 7);
  }
}

}  // namespace
}  // namespace sluice
