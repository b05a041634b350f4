// What surrounds a value in the metadata store's database: docs/formats/metadata-store.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace sluice::storage {

struct MetadataEnvelope {
  int64_t revision = 0;
  int64_t lease = 0;
  std::string value;
};

std::string EncodeEnvelope(int64_t revision, int64_t lease, absl::string_view value);
// nullopt: damaged, or of an envelope version that this program does not know.
std::optional<MetadataEnvelope> DecodeEnvelope(absl::string_view bytes);

}  // namespace sluice::storage
