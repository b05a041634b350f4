#include "proto/base/logger.h"

#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace sluice {

absl::string_view LogLevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "?";
}

std::optional<LogLevel> ParseLogLevel(absl::string_view name) {
  for (LogLevel level : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError}) {
    if (name == LogLevelName(level)) {
      return level;
    }
  }
  return std::nullopt;
}

std::string FormatLogLine(absl::Time now, LogLevel level, absl::string_view component,
                          absl::string_view message) {
  constexpr absl::string_view kLetters = "DIWE";
  return absl::StrFormat("%s %c %-8s %s\n",
                         absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", now, absl::UTCTimeZone()),
                         kLetters[static_cast<size_t>(level)], component, message);
}

void StderrLogger::Log(LogLevel level, absl::string_view component, absl::string_view message) {
  if (level < least_) {
    return;
  }
  const std::string line = FormatLogLine(Clock::System().Now(), level, component, message);
  // A log that cannot be written has nowhere to say so.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

std::optional<uint64_t> LogLimiter::Admit() {
  const absl::Duration now = clock_.Monotonic();
  absl::MutexLock lock(&mu_);
  if (last_.has_value() && now - *last_ < interval_) {
    ++held_back_;
    return std::nullopt;
  }
  last_ = now;
  return std::exchange(held_back_, 0);
}

std::string HeldBack(uint64_t count) {
  return count == 0 ? std::string() : absl::StrCat(" (and ", count, " more like it)");
}

}  // namespace sluice
