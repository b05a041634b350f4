// Keeps a second broker out of a log dir: an flock that the kernel drops with the process, however it ends.
// The holder's pid stands in the file, for the message. Thread-compatible.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "storage/disk/unique_fd.h"

namespace sluice::storage {

class FileLock {
 public:
  // FailedPrecondition, with the holder's pid, when another process (or this one) holds it.
  static absl::StatusOr<FileLock> Take(const std::string& path);

  // For tools on a stopped node's files: changes no byte, and takes nothing where there is no such file.
  // Shared locks stand beside each other. FailedPrecondition while a broker, or a tool that changes files,
  // holds it.
  enum class Mode { kShared, kExclusive };
  static absl::StatusOr<std::optional<FileLock>> TakeExisting(const std::string& path, Mode mode);

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;  // Closing it gives the lock back.
};

}  // namespace sluice::storage
