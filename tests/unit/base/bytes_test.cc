#include "proto/base/bytes.h"

#include "gtest/gtest.h"
#include "proto/base/endian.h"

namespace sluice {
namespace {

TEST(BytesTest, TextAndBytesAreViewsOfTheSameMemory) {
  const absl::string_view text("a\0b", 3);
  EXPECT_EQ(AsBytes(text).size(), 3u);
  EXPECT_EQ(AsBytes(text)[1], std::byte{0});
  EXPECT_EQ(AsText(AsBytes(text)).data(), text.data());
  EXPECT_EQ(AsText(ToBytes(AsBytes(text))), text);
}

TEST(BytesTest, StringViewsConvertBothWays) {
  EXPECT_EQ(ToAbsl(std::string_view("log")), "log");
  EXPECT_EQ(ToStd(absl::string_view("log")), "log");
  EXPECT_TRUE(ToStd(absl::string_view()).empty());
}

TEST(EndianTest, TheMostSignificantByteComesFirst) {
  std::byte bytes[8];
  StoreBigEndian<int32_t>(bytes, 0x01020304);
  EXPECT_EQ(AsText(ByteView(bytes).first(4)), absl::string_view("\1\2\3\4", 4));
  EXPECT_EQ(LoadBigEndian<int16_t>(bytes), 0x0102);
}

TEST(EndianTest, NegativeAndUnalignedValuesRoundTrip) {
  std::byte bytes[9];
  StoreBigEndian<int64_t>(bytes + 1, -2);
  EXPECT_EQ(LoadBigEndian<int64_t>(bytes + 1), -2);
  EXPECT_EQ(bytes[8], std::byte{0xfe});
  StoreBigEndian<int16_t>(bytes + 1, -32768);
  EXPECT_EQ(LoadBigEndian<int16_t>(bytes + 1), -32768);
  StoreBigEndian<int8_t>(bytes, -1);
  EXPECT_EQ(LoadBigEndian<int8_t>(bytes), -1);
}

}  // namespace
}  // namespace sluice
