// Text for protobuf's string fields, which must be UTF-8: a receiver drops the whole message otherwise.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace sluice::broker {

// `bytes` with U+FFFD in place of each byte that is not part of a well-formed character.
std::string ToValidUtf8(absl::string_view bytes);

}  // namespace sluice::broker
