// Where a line for a person goes: passed in, so that a test can read what was said and a program embeds what
// it has.
//
//   logger.Warning("net", absl::StrCat("closed ", peer, ": ", reason));
//   if (auto held_back = limiter.Admit()) {                         // At most once per interval.
//     logger.Warning("net", absl::StrCat("refused ", peer, HeldBack(*held_back)));
//   }
//
// Everything here is thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "proto/base/clock.h"

namespace sluice {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

absl::string_view LogLevelName(LogLevel level);
// "debug", "info", "warning" or "error".
std::optional<LogLevel> ParseLogLevel(absl::string_view name);

class Logger {
 public:
  virtual ~Logger() = default;
  // `component` is one word, the folder that speaks: "net", "log", "group". `message` has no newline.
  virtual void Log(LogLevel level, absl::string_view component, absl::string_view message) = 0;

  void Debug(absl::string_view component, absl::string_view message) {
    Log(LogLevel::kDebug, component, message);
  }
  void Info(absl::string_view component, absl::string_view message) {
    Log(LogLevel::kInfo, component, message);
  }
  void Warning(absl::string_view component, absl::string_view message) {
    Log(LogLevel::kWarning, component, message);
  }
  void Error(absl::string_view component, absl::string_view message) {
    Log(LogLevel::kError, component, message);
  }
};

// One line per message: "2026-01-31T12:00:00.123Z W net      message". Each line is one write, so lines of
// several threads do not mix.
class StderrLogger final : public Logger {
 public:
  explicit StderrLogger(LogLevel least = LogLevel::kInfo) : least_(least) {}
  void Log(LogLevel level, absl::string_view component, absl::string_view message) override;

 private:
  const LogLevel least_;
};

// The line that StderrLogger writes, its newline included.
std::string FormatLogLine(absl::Time now, LogLevel level, absl::string_view component,
                          absl::string_view message);

// Says nothing.
class NullLogger final : public Logger {
 public:
  void Log(LogLevel, absl::string_view, absl::string_view) override {}
};

// Lets one message of a kind through per interval, so that whoever provokes it cannot fill the disk with it.
class LogLimiter {
 public:
  LogLimiter(Clock& clock, absl::Duration interval) : clock_(clock), interval_(interval) {}

  // When the message may be said: how many were held back since the last one.
  std::optional<uint64_t> Admit();

 private:
  Clock& clock_;
  const absl::Duration interval_;
  absl::Mutex mu_;
  std::optional<absl::Duration> last_ ABSL_GUARDED_BY(mu_);
  uint64_t held_back_ ABSL_GUARDED_BY(mu_) = 0;
};

// " (and 12 more like it)", or nothing.
std::string HeldBack(uint64_t count);

}  // namespace sluice
