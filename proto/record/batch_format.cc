#include "proto/record/batch_format.h"

#include <array>

namespace sluice::record {
namespace {

constexpr std::array<absl::string_view, 5> kCodecNames = {"none", "gzip", "snappy", "lz4", "zstd"};

}  // namespace

absl::string_view CodecName(Codec codec) {
  const auto index = static_cast<size_t>(codec);
  return index < kCodecNames.size() ? kCodecNames[index] : "unknown";
}

std::optional<Codec> ParseCodec(absl::string_view name) {
  for (size_t i = 0; i < kCodecNames.size(); ++i) {
    if (kCodecNames[i] == name) {
      return static_cast<Codec>(i);
    }
  }
  return std::nullopt;
}

std::optional<Codec> CodecFromAttributes(int16_t attributes) {
  const auto number = static_cast<size_t>(attributes & kCodecMask);
  if (number >= kCodecNames.size()) {
    return std::nullopt;
  }
  return static_cast<Codec>(number);
}

}  // namespace sluice::record
