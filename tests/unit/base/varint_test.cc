#include "proto/base/varint.h"

#include <limits>

#include "gtest/gtest.h"

namespace sluice {
namespace {

Bytes Encode(uint64_t value) {
  Bytes bytes(kVarint64SizeMax);
  const std::byte* end = WriteVarint(bytes.data(), value);
  bytes.resize(static_cast<size_t>(end - bytes.data()));
  return bytes;
}

Bytes FromInts(std::initializer_list<int> values) {
  Bytes bytes;
  for (const int value : values) {
    bytes.push_back(static_cast<std::byte>(value));
  }
  return bytes;
}

TEST(VarintTest, SmallMagnitudesAreShortWhateverTheirSign) {
  EXPECT_EQ(ZigZag32(0), 0u);
  EXPECT_EQ(ZigZag32(-1), 1u);
  EXPECT_EQ(ZigZag32(1), 2u);
  EXPECT_EQ(ZigZag32(std::numeric_limits<int32_t>::min()), 0xffffffffu);
  EXPECT_EQ(ZigZag64(std::numeric_limits<int64_t>::max()), 0xfffffffffffffffeu);
  for (const int64_t value : {std::numeric_limits<int64_t>::min(), int64_t{-300}, int64_t{0}, int64_t{12345},
                              std::numeric_limits<int64_t>::max()}) {
    EXPECT_EQ(UnZigZag64(ZigZag64(value)), value);
    const auto narrow = static_cast<int32_t>(value);
    EXPECT_EQ(UnZigZag32(ZigZag32(narrow)), narrow);
  }
}

TEST(VarintTest, EveryLengthRoundTripsAtItsBorders) {
  for (int bits = 0; bits < 64; ++bits) {
    for (const uint64_t value : {uint64_t{1} << bits, (uint64_t{1} << bits) - 1}) {
      const Bytes bytes = Encode(value);
      EXPECT_EQ(bytes.size(), VarintSize(value));
      uint64_t back = 0;
      EXPECT_EQ(ReadVarint(bytes, 64, &back), bytes.size());
      EXPECT_EQ(back, value);
      EXPECT_EQ(ReadVarint(bytes, 32, &back), value >> 32 == 0 ? bytes.size() : 0u);
    }
  }
}

TEST(VarintTest, TheLargestValuesTakeFiveAndTenBytes) {
  EXPECT_EQ(VarintSize(std::numeric_limits<uint32_t>::max()), kVarint32SizeMax);
  EXPECT_EQ(VarintSize(std::numeric_limits<uint64_t>::max()), kVarint64SizeMax);
  EXPECT_EQ(Encode(300), FromInts({0xac, 0x02}));
}

TEST(VarintTest, InputThatEndsFirstIsRefused) {
  uint64_t value;
  EXPECT_EQ(ReadVarint({}, 32, &value), 0u);
  EXPECT_EQ(ReadVarint(FromInts({0x80}), 32, &value), 0u);
  EXPECT_EQ(ReadVarint(FromInts({0xff, 0xff, 0xff, 0xff}), 32, &value), 0u);
}

TEST(VarintTest, TooLongOrTooLargeIsRefused) {
  uint64_t value;
  EXPECT_EQ(ReadVarint(FromInts({0xff, 0xff, 0xff, 0xff, 0x1f}), 32, &value), 0u) << "a 33rd bit";
  EXPECT_EQ(ReadVarint(FromInts({0x80, 0x80, 0x80, 0x80, 0x80, 0x00}), 32, &value), 0u) << "a sixth byte";
  EXPECT_EQ(ReadVarint(FromInts({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}), 64, &value),
            0u)
      << "a 65th bit";
}

TEST(VarintTest, BytesBehindTheValueAreNotLookedAt) {
  uint64_t value = 0;
  EXPECT_EQ(ReadVarint(FromInts({0x05, 0xff, 0xff}), 32, &value), 1u);
  EXPECT_EQ(value, 5u);
}

}  // namespace
}  // namespace sluice
