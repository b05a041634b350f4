// MurmurHash2 (32 bits, seed 0x9747b28c) as Kafka's clients in Java compute it, and the partition that their
// default partitioner picks for a key: producers in any language must agree on where a key lives.
#pragma once

#include <cstdint>
#include <cstring>

#include "proto/base/bytes.h"

namespace sluice {

// Java reads each group of four bytes as little-endian and keeps the sign; so does the result here.
inline int32_t Murmur2(ByteView data) {
  constexpr uint32_t kMultiplier = 0x5bd1e995;
  uint32_t hash = 0x9747b28cu ^ static_cast<uint32_t>(data.size());
  while (data.size() >= 4) {
    uint32_t word;
    std::memcpy(&word, data.data(), 4);
    word *= kMultiplier;
    word ^= word >> 24;
    hash = (hash * kMultiplier) ^ (word * kMultiplier);
    data = data.subspan(4);
  }
  if (!data.empty()) {
    for (size_t i = data.size(); i > 0; --i) {
      hash ^= static_cast<uint32_t>(data[i - 1]) << (8 * (i - 1));
    }
    hash *= kMultiplier;
  }
  hash ^= hash >> 13;
  hash *= kMultiplier;
  hash ^= hash >> 15;
  return static_cast<int32_t>(hash);
}

// `partitions` > 0.
inline int32_t PartitionOfKey(ByteView key, int32_t partitions) {
  return (Murmur2(key) & 0x7fffffff) % partitions;
}

}  // namespace sluice
