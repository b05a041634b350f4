// What the commands of `sluice log` share: they read a stopped node's files, through storage/tools.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "storage/disk/posix_disk.h"
#include "tools/cli/context.h"

namespace sluice::cli {

// "412 bytes", "3.4 MB", "1.2 GB".
std::string ShowBytes(uint64_t bytes);

// A line on the terminal while something long runs: what, how far, how fast. None when stderr is no terminal.
class WorkProgress {
 public:
  explicit WorkProgress(std::string verb)
      : verb_(std::move(verb)), begin_(std::chrono::steady_clock::now()) {}
  // `extra` goes to the end of the line.
  void Show(absl::string_view what, uint64_t done, uint64_t total, absl::string_view extra = "");
  void Clear() { progress_.Clear(); }
  double seconds() const;

 private:
  const std::string verb_;
  const std::chrono::steady_clock::time_point begin_;
  Progress progress_;
};

}  // namespace sluice::cli
