#include "storage/log/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "storage/disk/posix_error.h"

namespace sluice::storage {
namespace {

std::string ReadPid(int fd) {
  char text[32];
  const ssize_t size = ::pread(fd, text, sizeof(text), 0);
  return size <= 0 ? "unknown" : std::string(absl::StripAsciiWhitespace({text, static_cast<size_t>(size)}));
}

}  // namespace

absl::StatusOr<FileLock> FileLock::Take(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd.valid()) {
    return PosixError(path, "open", errno);
  }
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return PosixError(path, "flock", errno);
    }
    return absl::FailedPreconditionError(absl::StrCat(path, ": in use by another broker (pid ",
                                                      ReadPid(fd.get()),
                                                      "); stop it, or give this one other log.dirs"));
  }
  const std::string pid = absl::StrCat(::getpid(), "\n");
  if (::ftruncate(fd.get(), 0) != 0 ||
      ::pwrite(fd.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return PosixError(path, "pwrite", errno);
  }
  return FileLock(std::move(fd));
}

absl::StatusOr<std::optional<FileLock>> FileLock::TakeExisting(const std::string& path, Mode mode) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    return errno == ENOENT ? absl::StatusOr<std::optional<FileLock>>(std::nullopt)
                           : PosixError(path, "open", errno);
  }
  if (::flock(fd.get(), (mode == Mode::kShared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return PosixError(path, "flock", errno);
    }
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": a running broker (pid ", ReadPid(fd.get()),
                     ") or another tool holds the directory; stop it first"));
  }
  return std::optional(FileLock(std::move(fd)));
}

}  // namespace sluice::storage
