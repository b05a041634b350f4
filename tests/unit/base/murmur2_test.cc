#include "proto/base/murmur2.h"

#include "gtest/gtest.h"

namespace sluice {
namespace {

// The figures that kafka-python 2.0.2 computes, which are Java's.
TEST(Murmur2Test, AgreesWithOtherClients) {
  const struct {
    absl::string_view key;
    int32_t hash;
    int32_t partition_of_12;
  } cases[] = {
      {"", 275646681, 9},
      {"2", 648968168, 8},
      {"21", -973932308, 0},
      {"abc", 479470107, 3},
      {"\xff\x80\x81", 1120456546, 10},
      {"foobar", -790332482, 6},
      {"a-little-bit-long-string", -985981536, 8},
      {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971, 5},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Murmur2(AsBytes(c.key)), c.hash) << c.key;
    EXPECT_EQ(PartitionOfKey(AsBytes(c.key), 12), c.partition_of_12) << c.key;
  }
}

}  // namespace
}  // namespace sluice
