// The index's values: docs/formats/index.md. Varints, because most are small differences. Decoders answer
// nullopt for bytes that no encoder writes.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "proto/base/ids.h"
#include "storage/index/offset_index.h"

namespace sluice::storage {

// What stands in the key is passed to the decoder.
std::string EncodeOffsetEntry(const OffsetEntry& entry);
std::optional<OffsetEntry> DecodeOffsetEntry(Offset offset, absl::string_view value);

std::string EncodeSegmentEntry(const SegmentEntry& entry);
std::optional<SegmentEntry> DecodeSegmentEntry(Offset base_offset, absl::string_view value);

std::string EncodeCheckpoint(const Checkpoint& checkpoint);
std::optional<Checkpoint> DecodeCheckpoint(absl::string_view value);

std::string EncodeWatermark(Offset start);
std::optional<Offset> DecodeWatermark(absl::string_view value);

}  // namespace sluice::storage
