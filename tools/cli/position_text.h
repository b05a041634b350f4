// Where to start reading, as people type it: start, beginning, end, 42, -3 (three before the end),
// @1700000000000 (milliseconds since 1970), @2026-11-21T10:00:00Z, @-1h (an hour ago).
#pragma once

#include <chrono>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sluice/position.h"

namespace sluice::cli {

absl::StatusOr<Position> ParsePosition(absl::string_view text, std::chrono::system_clock::time_point now);

}  // namespace sluice::cli
