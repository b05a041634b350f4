// SipHash-2-4 with 128 bits of output (Aumasson and Bernstein): a keyed hash. Whoever does not know the key
// cannot make two inputs that collide, so it may stand for a record's key where that key is a client's.
#pragma once

#include <compare>
#include <cstdint>

#include "proto/base/bytes.h"

namespace sluice {

struct SipHashKey {
  uint64_t low = 0;
  uint64_t high = 0;
};

struct Hash128 {
  uint64_t low = 0;
  uint64_t high = 0;

  friend bool operator==(const Hash128&, const Hash128&) = default;
};

Hash128 SipHash128(const SipHashKey& key, ByteView bytes);

}  // namespace sluice
