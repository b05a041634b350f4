// Where randomness comes from: passed in, so that a test can replay a seed. Not for secrets.
#pragma once

#include <cstdint>
#include <random>

namespace sluice {

// Thread-compatible: one thread at a time.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  // Seeded by the operating system.
  static Random FromSystem() {
    std::random_device device;
    return Random((static_cast<uint64_t>(device()) << 32) | device());
  }

  uint64_t Next() { return engine_(); }
  // In [0, bound).
  uint64_t Below(uint64_t bound) { return std::uniform_int_distribution<uint64_t>(0, bound - 1)(engine_); }

 private:
  std::mt19937_64 engine_;
};

}  // namespace sluice
