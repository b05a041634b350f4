#include "proto/base/uuid.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "proto/base/random.h"

namespace sluice {

Uuid Uuid::Generate(Random& random) {
  Uuid id;
  do {
    const uint64_t words[2] = {random.Next(), random.Next()};
    std::memcpy(id.bytes.data(), words, sizeof(words));
    id.bytes[6] = static_cast<uint8_t>((id.bytes[6] & 0x0f) | 0x40);
    id.bytes[8] = static_cast<uint8_t>((id.bytes[8] & 0x3f) | 0x80);
  } while (id.ToString().front() == '-');
  return id;
}

absl::StatusOr<Uuid> Uuid::Parse(absl::string_view text) {
  std::string decoded;
  if (text.size() != 22 || !absl::WebSafeBase64Unescape(text, &decoded) || decoded.size() != 16) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is not an id: expected 22 characters of URL-safe base64"));
  }
  Uuid id;
  std::copy(decoded.begin(), decoded.end(), id.bytes.begin());
  return id;
}

std::string Uuid::ToString() const {
  return absl::WebSafeBase64Escape(
      absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

}  // namespace sluice
