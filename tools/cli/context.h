// What every command is given, and how it ends: data on stdout, all else on stderr, an exit code that tells
// what went wrong.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sluice/client.h"
#include "sluice/errors.h"

namespace sluice::cli {

enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,       // The broker refused, or the operation failed.
  kExitUsage = 2,        // The command line makes no sense.
  kExitNotFound = 3,     // No such topic, partition or file.
  kExitUnreachable = 4,  // No broker answered.
};

struct Context {
  std::string brokers = "localhost:9092";
  bool json = false;  // --format json

  absl::StatusOr<std::unique_ptr<Client>> Connect() const;
};

// "error: ..." on stderr; returns the exit code that goes with the status.
int Fail(const absl::Status& status);

// Connects and runs `action`; the exit code that goes with what became of it.
int WithAdmin(const Context& context, absl::FunctionRef<absl::Status(Admin&)> action);

// A line on stderr: what was done, for a person.
void Note(absl::string_view line);

// Replaces the last line on stderr while something long runs; nothing when stderr is no terminal.
class Progress {
 public:
  Progress();
  ~Progress() { Clear(); }
  // Shows at most five times a second.
  void Show(absl::string_view line);
  void Clear();

 private:
  const bool terminal_;
  std::chrono::steady_clock::time_point next_{};
  bool shown_ = false;
};

}  // namespace sluice::cli
