// Fixed-width integers in a byte buffer. Kafka's wire and disk formats are big-endian throughout.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstring>

namespace sluice {

template <std::integral T>
constexpr T ByteSwap(T value) {
  if constexpr (sizeof(T) == 1) {
    return value;
  } else if constexpr (sizeof(T) == 2) {
    return static_cast<T>(__builtin_bswap16(static_cast<unsigned short>(value)));
  } else if constexpr (sizeof(T) == 4) {
    return static_cast<T>(__builtin_bswap32(static_cast<unsigned int>(value)));
  } else {
    static_assert(sizeof(T) == 8);
    return static_cast<T>(__builtin_bswap64(static_cast<unsigned long long>(value)));
  }
}

static_assert(std::endian::native == std::endian::little, "Sluice runs on little-endian machines");

// `from` must hold sizeof(T) bytes; no alignment is needed.
template <std::integral T>
T LoadBigEndian(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return ByteSwap(value);
}

// `to` must have room for sizeof(T) bytes; no alignment is needed.
template <std::integral T>
void StoreBigEndian(std::byte* to, T value) {
  value = ByteSwap(value);
  std::memcpy(to, &value, sizeof(T));
}

}  // namespace sluice
