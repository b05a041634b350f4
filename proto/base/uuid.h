// 128-bit identifiers of topics, clusters and log dirs, written as Kafka writes them: 22 characters of
// URL-safe base64 without padding.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

class Random;

struct Uuid {
  std::array<uint8_t, 16> bytes{};  // All zero: no id.

  // A random (version 4) id, never one that starts with '-', which command lines would take for a flag.
  static Uuid Generate(Random& random);
  static absl::StatusOr<Uuid> Parse(absl::string_view text);
  std::string ToString() const;

  bool IsZero() const { return *this == Uuid{}; }

  friend auto operator<=>(const Uuid&, const Uuid&) = default;
  template <class H>
  friend H AbslHashValue(H state, const Uuid& id) {
    return H::combine(std::move(state), id.bytes);
  }
};

}  // namespace sluice
