#include "proto/base/crc32c.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace sluice {
namespace {

Bytes Filled(size_t size, int first, int step) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::byte>(first + static_cast<int>(i) * step);
  }
  return bytes;
}

// One bit at a time, as the polynomial says.
uint32_t SlowCrc32c(ByteView bytes) {
  uint32_t crc = ~uint32_t{0};
  for (const std::byte byte : bytes) {
    crc ^= static_cast<uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0u);
    }
  }
  return ~crc;
}

// The vectors of RFC 3720, appendix B.4, read as little-endian numbers.
TEST(Crc32cTest, AgreesWithTheVectorsOfRfc3720) {
  EXPECT_EQ(Crc32c(Filled(32, 0, 0)), 0x8a9136aau);
  EXPECT_EQ(Crc32c(Filled(32, 0xff, 0)), 0x62a8ab43u);
  EXPECT_EQ(Crc32c(Filled(32, 0, 1)), 0x46dd794eu);
  EXPECT_EQ(Crc32c(Filled(32, 31, -1)), 0x113fdb5cu);
  EXPECT_EQ(Crc32c(AsBytes("123456789")), 0xe3069283u);
  EXPECT_EQ(Crc32c({}), 0u);
}

TEST(Crc32cTest, AgreesWithTheDefinitionAtEverySizeAndAlignment) {
  const Bytes bytes = Filled(1200, 7, 31);
  for (size_t size = 0; size < 1100; size += size < 70 ? 1 : 37) {
    for (size_t at = 0; at < 9; ++at) {
      const ByteView view = ByteView(bytes).subspan(at, size);
      ASSERT_EQ(Crc32c(view), SlowCrc32c(view)) << size << " at " << at;
    }
  }
}

TEST(Crc32cTest, ExtendingIsTheSameAsHashingAtOnce) {
  const Bytes bytes = Filled(500, 1, 3);
  for (size_t cut = 0; cut <= bytes.size(); cut += 50) {
    const ByteView view(bytes);
    EXPECT_EQ(ExtendCrc32c(Crc32c(view.first(cut)), view.subspan(cut)), Crc32c(view));
  }
}

}  // namespace
}  // namespace sluice
