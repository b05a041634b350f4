// Keeps a second broker out of a log dir: an flock that the kernel drops with the process, however it ends.
// The holder's pid stands in the file, for the message. Thread-compatible.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "storage/disk/unique_fd.h"

namespace sluice::storage {

class FileLock {
 public:
  // FailedPrecondition, with the holder's pid, when another process (or this one) holds it.
  static absl::StatusOr<FileLock> Take(const std::string& path);

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;  // Closing it gives the lock back.
};

}  // namespace sluice::storage
