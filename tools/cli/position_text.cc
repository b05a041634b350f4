#include "tools/cli/position_text.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace sluice::cli {
namespace {

absl::Status Unknown(absl::string_view text) {
  return absl::InvalidArgumentError(absl::StrCat("offset \"", text,
                                                 "\" is not understood; use start, end, N, -N (N before the "
                                                 "end), @MILLISECONDS, @2026-01-31T12:00:00Z or @-1h"));
}

absl::StatusOr<Position> ParseTime(absl::string_view text, std::chrono::system_clock::time_point now) {
  int64_t milliseconds = 0;
  absl::Duration ago;
  absl::Time time;
  std::string error;
  if (!text.empty() && text[0] == '-' && absl::ParseDuration(text.substr(1), &ago)) {
    return Position::SinceMs(absl::ToUnixMillis(absl::FromChrono(now) - ago));
  }
  if (absl::SimpleAtoi(text, &milliseconds) && milliseconds >= 0) {
    return Position::SinceMs(milliseconds);
  }
  if (absl::ParseTime(absl::RFC3339_full, text, &time, &error) ||
      absl::ParseTime("%Y-%m-%d", text, &time, &error)) {
    return Position::SinceMs(absl::ToUnixMillis(time));
  }
  return Unknown(absl::StrCat("@", text));
}

}  // namespace

absl::StatusOr<Position> ParsePosition(absl::string_view text, std::chrono::system_clock::time_point now) {
  int64_t number = 0;
  if (text == "start" || text == "beginning") {
    return Position::Beginning();
  }
  if (text == "end") {
    return Position::End();
  }
  if (!text.empty() && text[0] == '@') {
    return ParseTime(text.substr(1), now);
  }
  if (absl::SimpleAtoi(text, &number)) {
    return number < 0 ? Position::Tail(-number) : Position::At(number);
  }
  return Unknown(text);
}

}  // namespace sluice::cli
