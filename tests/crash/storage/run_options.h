// How much a run does: the gate's share by default, more behind an environment variable, and its seed,
// printed.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "proto/base/random.h"

namespace sluice::storage {

inline int64_t CountFrom(const char* variable, int64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoll(text, nullptr, 10);
}

// What these tests ask of a disk, they ask of a disk of their own making: their files may live in memory,
// where the index's syncs cost nothing. To be called before the first TempDir.
inline void KeepFilesInMemory() {
  if (::access("/dev/shm", W_OK) == 0) {
    ::setenv("TMPDIR", "/dev/shm", 0);
  }
}

// SEED, or one by chance.
inline uint64_t SeedOfRun() {
  const char* const text = std::getenv("SEED");
  const uint64_t seed =
      text == nullptr ? Random::FromSystem().Next() % 1'000'000'000 : std::strtoull(text, nullptr, 10);
  std::fprintf(stderr, "SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

}  // namespace sluice::storage
