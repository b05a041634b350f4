// The features of the cluster (KIP-584): which levels the broker could have, and which is in force. Clients
// decide by them what they may use, so a level in force is a promise (docs/decisions/0006-feature-levels.md).
#pragma once

#include <cstdint>
#include <span>

#include "absl/strings/string_view.h"

namespace sluice::broker {

struct Feature {
  absl::string_view name;
  int16_t min_supported;
  int16_t max_supported;
  int16_t level;  // In force; 0: none.
};

// A lowest level of 0 breaks clients that ask in versions before 4 (KAFKA-17011).
constexpr bool IsSupportTold(const Feature& feature, int16_t api_versions_version) {
  return feature.min_supported > 0 || api_versions_version >= 4;
}

std::span<const Feature> Features();
// Null when the broker does not know it.
const Feature* FindFeature(absl::string_view name);

}  // namespace sluice::broker
