#include "proto/base/siphash.h"

#include "gtest/gtest.h"

namespace sluice {
namespace {

// Key 00 01 .. 0f, inputs 00 01 .. of the length given: as OpenSSL's SIPHASH with 16 bytes of output.
constexpr SipHashKey kKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};

Hash128 HashOfLength(size_t length) {
  Bytes input(length);
  for (size_t i = 0; i < length; ++i) {
    input[i] = static_cast<std::byte>(i);
  }
  return SipHash128(kKey, input);
}

TEST(SipHashTest, GivesTheReferenceValues) {
  EXPECT_EQ(HashOfLength(0), (Hash128{0xe6a825ba047f81a3, 0x930255c71472f66d}));
  EXPECT_EQ(HashOfLength(1), (Hash128{0x44af996bd8c187da, 0x45fc229b11597634}));
  EXPECT_EQ(HashOfLength(7), (Hash128{0x53c1dbd8beebf1a1, 0x3982f01fa64ab8c0}));
  EXPECT_EQ(HashOfLength(8), (Hash128{0x61f55862baa9623b, 0xb49714f364e2830f}));
  EXPECT_EQ(HashOfLength(15), (Hash128{0x11a8b03399e99354, 0xd9c3cf970fec087e}));
  EXPECT_EQ(HashOfLength(63), (Hash128{0x4a83502f77d15051, 0x7cbd3f979a063e50}));
}

TEST(SipHashTest, DependsOnTheKeyAndOnEveryByte) {
  const Bytes zero(20);
  Bytes other(20);
  other[19] = std::byte{1};
  EXPECT_NE(SipHash128(kKey, zero), SipHash128(kKey, other));
  EXPECT_NE(SipHash128(kKey, zero), SipHash128({1, 2}, zero));
  EXPECT_NE(SipHash128(kKey, zero), SipHash128(kKey, ByteView(zero).first(19)));
}

}  // namespace
}  // namespace sluice
