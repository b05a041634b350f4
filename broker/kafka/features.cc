#include "broker/kafka/features.h"

#include <algorithm>

namespace sluice::broker {
namespace {

// 7 stands for Kafka 3.3, the first release of KRaft for production and the lowest level that Kafka 4's tools
// can name.
constexpr int16_t kMetadataVersion = 7;

// 1: the consumer protocol (KIP-848) may be spoken.
constexpr int16_t kGroupVersion = 1;

constexpr Feature kFeatures[] = {
    {.name = "group.version", .min_supported = 0, .max_supported = kGroupVersion, .level = kGroupVersion},
    {.name = "metadata.version",
     .min_supported = kMetadataVersion,
     .max_supported = kMetadataVersion,
     .level = kMetadataVersion},
};

}  // namespace

std::span<const Feature> Features() {
  return kFeatures;
}

const Feature* FindFeature(absl::string_view name) {
  const auto* found = std::ranges::find(kFeatures, name, &Feature::name);
  return found == std::end(kFeatures) ? nullptr : found;
}

}  // namespace sluice::broker
