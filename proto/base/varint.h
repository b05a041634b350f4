// Base-128 variable-length integers, as in protobuf: seven bits a byte, low bits first; signed ones are
// zig-zagged. Kafka uses them in records (signed) and in flexible messages (unsigned).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "proto/base/bytes.h"

namespace sluice {

inline constexpr size_t kVarint32SizeMax = 5;
inline constexpr size_t kVarint64SizeMax = 10;

constexpr uint32_t ZigZag32(int32_t value) {
  return (static_cast<uint32_t>(value) << 1) ^ static_cast<uint32_t>(value >> 31);
}
constexpr uint64_t ZigZag64(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
constexpr int32_t UnZigZag32(uint32_t value) {
  return static_cast<int32_t>((value >> 1) ^ (~(value & 1) + 1));
}
constexpr int64_t UnZigZag64(uint64_t value) {
  return static_cast<int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

// Bytes that WriteVarint will write: 1 to 10.
constexpr size_t VarintSize(uint64_t value) {
  return (static_cast<size_t>(std::bit_width(value | 1)) + 6) / 7;
}

// Writes at `to`, which must have room for VarintSize(value) bytes; returns the byte after.
inline std::byte* WriteVarint(std::byte* to, uint64_t value) {
  while (value >= 0x80) {
    *to++ = static_cast<std::byte>(value | 0x80);
    value >>= 7;
  }
  *to++ = static_cast<std::byte>(value);
  return to;
}

// Reads at the front of `from` a value of at most `bits` (32 or 64) bits. Returns the bytes used, or 0 when
// the input ends first, is longer than such a value can be, or overflows it.
inline size_t ReadVarint(ByteView from, int bits, uint64_t* value) {
  uint64_t result = 0;
  int shift = 0;
  for (size_t i = 0; i < from.size() && shift < bits; ++i, shift += 7) {
    const auto byte = static_cast<uint64_t>(from[i]);
    const uint64_t payload = byte & 0x7f;
    if (shift + 7 > bits && (payload >> (bits - shift)) != 0) {
      return 0;
    }
    result |= payload << shift;
    if (byte < 0x80) {
      *value = result;
      return i + 1;
    }
  }
  return 0;
}

}  // namespace sluice
