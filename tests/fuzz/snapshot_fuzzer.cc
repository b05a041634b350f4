// The small formats that a start reads: a log's state in its checkpoint, and the index's keys and values. Any
// bytes are refused, or decode to something that encodes and decodes to the same again.
#include <cstdint>

#include "proto/base/bytes.h"
#include "proto/base/check.h"
#include "storage/index/key_codec.h"
#include "storage/index/value_codec.h"
#include "storage/log/log_state.h"

namespace sluice::storage {
namespace {

void CheckState(absl::string_view bytes) {
  const absl::StatusOr<LogState> state = DecodeLogState(bytes);
  if (!state.ok()) {
    return;
  }
  const std::string encoded = EncodeLogState(*state);
  const absl::StatusOr<LogState> again = DecodeLogState(encoded);
  CHECK_OK(again.status());
  CHECK_EQ(EncodeLogState(*again).size(), encoded.size());  // Producers stand in any order.
}

void CheckKey(absl::string_view bytes) {
  if (const std::optional<ParsedKey> key = ParseKey(bytes)) {
    CHECK(IndexKey::Of(*key).text() == bytes);
  }
}

// What decodes comes back from its own encoding.
template <class Decode, class Encode>
void CheckValue(absl::string_view bytes, Decode decode, Encode encode) {
  const auto first = decode(bytes);
  if (!first) {
    return;
  }
  const std::string encoded = encode(*first);
  const auto again = decode(encoded);
  CHECK(again.has_value());
  CHECK(encode(*again) == encoded);
}

void CheckValues(absl::string_view bytes) {
  const Offset at(7);
  CheckValue(
      bytes, [&](absl::string_view value) { return DecodeOffsetEntry(at, value); }, EncodeOffsetEntry);
  CheckValue(
      bytes, [&](absl::string_view value) { return DecodeSegmentEntry(at, value); }, EncodeSegmentEntry);
  CheckValue(bytes, DecodeCheckpoint, EncodeCheckpoint);
  CheckValue(bytes, DecodeWatermark, EncodeWatermark);
}

}  // namespace
}  // namespace sluice::storage

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice::storage;
  if (size == 0) {
    return 0;
  }
  // A copy of its own, so that a read of one byte too many is seen.
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      CheckState(bytes);
      break;
    case 1:
      CheckKey(bytes);
      break;
    default:
      CheckValues(bytes);
      break;
  }
  return 0;
}
