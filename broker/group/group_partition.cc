#include "broker/group/group_partition.h"

namespace sluice::broker {
namespace {

constexpr uint32_t kReplacement = 0xFFFD;

// The next code point of UTF-8 text; what is none is read as U+FFFD, a byte at a time.
uint32_t NextCodePoint(absl::string_view* text) {
  const auto lead = static_cast<uint8_t>(text->front());
  const size_t size = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
  if (size == 0 || text->size() < size) {
    text->remove_prefix(1);
    return kReplacement;
  }
  uint32_t code = size == 1 ? lead : lead & (0xFFu >> (size + 1));
  for (size_t i = 1; i < size; ++i) {
    const auto byte = static_cast<uint8_t>((*text)[i]);
    if (byte >> 6 != 2) {
      text->remove_prefix(1);
      return kReplacement;
    }
    code = code << 6 | (byte & 0x3Fu);
  }
  text->remove_prefix(size);
  return code;
}

// s[0]*31^(n-1) + ... + s[n-1] over UTF-16 code units, modulo 2^32.
uint32_t JavaHash(absl::string_view text) {
  uint32_t hash = 0;
  while (!text.empty()) {
    const uint32_t code = NextCodePoint(&text);
    if (code < 0x10000) {
      hash = hash * 31 + code;
    } else {
      hash = hash * 31 + (0xD800 + ((code - 0x10000) >> 10));
      hash = hash * 31 + (0xDC00 + ((code - 0x10000) & 0x3FF));
    }
  }
  return hash;
}

}  // namespace

int32_t PartitionOfGroup(absl::string_view group_id, int32_t partitions) {
  const auto hash = static_cast<int32_t>(JavaHash(group_id));
  const int32_t positive = hash == INT32_MIN ? 0 : hash < 0 ? -hash : hash;
  return positive % partitions;
}

}  // namespace sluice::broker
