#include "broker/grpc/utf8.h"

#include <cstdint>

namespace sluice::broker {
namespace {

// Of the character that `first` begins; 0 when it begins none.
size_t SizeOfCharacter(uint8_t first) {
  if (first < 0x80) {
    return 1;
  }
  if (first >= 0xc2 && first <= 0xdf) {
    return 2;
  }
  if (first >= 0xe0 && first <= 0xef) {
    return 3;
  }
  return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

// What the second byte may be, so that nothing is overlong, a surrogate, or above U+10FFFF (RFC 3629, 4).
bool MayFollow(uint8_t first, uint8_t second) {
  const uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  return second >= low && second <= high;
}

// Size of the well-formed character at the front, or 0.
size_t WellFormed(absl::string_view bytes) {
  const auto at = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  const size_t size = SizeOfCharacter(at(0));
  if (size <= 1) {
    return size;
  }
  if (bytes.size() < size || !MayFollow(at(0), at(1))) {
    return 0;
  }
  for (size_t i = 2; i < size; ++i) {
    if ((at(i) & 0xc0) != 0x80) {
      return 0;
    }
  }
  return size;
}

}  // namespace

std::string ToValidUtf8(absl::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const size_t size = WellFormed(bytes);
    if (size == 0) {
      text.append("\xef\xbf\xbd");
      bytes.remove_prefix(1);
    } else {
      text.append(bytes.data(), size);
      bytes.remove_prefix(size);
    }
  }
  return text;
}

}  // namespace sluice::broker
