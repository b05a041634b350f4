#include "proto/base/siphash.h"

#include <bit>
#include <cstring>

namespace sluice {
namespace {

struct State {
  uint64_t v0, v1, v2, v3;

  void Round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void Absorb(uint64_t word) {
    v3 ^= word;
    Round();
    Round();
    v0 ^= word;
  }
  uint64_t Squeeze() {
    for (int i = 0; i < 4; ++i) {
      Round();
    }
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

uint64_t LoadLittleEndian(const std::byte* from, size_t size) {
  uint64_t word = 0;
  std::memcpy(&word, from, size);  // Sluice runs on little-endian machines: endian.h.
  return word;
}

}  // namespace

Hash128 SipHash128(const SipHashKey& key, ByteView bytes) {
  State state{key.low ^ 0x736f6d6570736575, key.high ^ 0x646f72616e646f6d ^ 0xee,
              key.low ^ 0x6c7967656e657261, key.high ^ 0x7465646279746573};
  const uint64_t length = bytes.size();
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
    state.Absorb(LoadLittleEndian(bytes.data(), 8));
  }
  const uint64_t tail = bytes.empty() ? 0 : LoadLittleEndian(bytes.data(), bytes.size());
  state.Absorb(tail | (length << 56));
  state.v2 ^= 0xee;
  Hash128 hash;
  hash.low = state.Squeeze();
  state.v1 ^= 0xdd;
  hash.high = state.Squeeze();
  return hash;
}

}  // namespace sluice
