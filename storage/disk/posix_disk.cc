#include "storage/disk/posix_disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "proto/base/status_macros.h"
#include "storage/disk/posix_error.h"
#include "storage/disk/posix_file.h"

namespace sluice::storage {
namespace {

int FlagsOf(Disk::OpenMode mode) {
  switch (mode) {
    case Disk::OpenMode::kReadOnly:
      return O_RDONLY;
    case Disk::OpenMode::kReadWrite:
      return O_RDWR;
    case Disk::OpenMode::kCreateNew:
      return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

absl::StatusOr<UniqueFd> OpenFd(const std::string& path, int flags) {
  int fd;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) {
    return PosixError(path, "open", errno);
  }
  return UniqueFd(fd);
}

bool IsDotName(const std::string& name) {
  return name == "." || name == "..";
}

}  // namespace

absl::StatusOr<std::unique_ptr<File>> PosixDisk::Open(const std::string& path, OpenMode mode) {
  ASSIGN_OR_RETURN(UniqueFd fd, OpenFd(path, FlagsOf(mode)));
  return std::make_unique<PosixFile>(std::move(fd), path);
}

absl::StatusOr<std::vector<std::string>> PosixDisk::List(const std::string& path) {
  DIR* const directory = ::opendir(path.c_str());
  if (directory == nullptr) {
    return PosixError(path, "opendir", errno);
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(directory)) {
    if (!IsDotName(entry->d_name)) {
      names.emplace_back(entry->d_name);
    }
    errno = 0;
  }
  const int error = errno;
  ::closedir(directory);
  if (error != 0) {
    return PosixError(path, "readdir", error);
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<uint64_t> PosixDisk::FileSize(const std::string& path) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) {
    return PosixError(path, "stat", errno);
  }
  return static_cast<uint64_t>(info.st_size);
}

absl::StatusOr<DiskSpace> PosixDisk::SpaceOf(const std::string& path) {
  struct statvfs info;
  if (::statvfs(path.c_str(), &info) != 0) {
    return PosixError(path, "statvfs", errno);
  }
  return DiskSpace{.total_bytes = uint64_t{info.f_blocks} * info.f_frsize,
                   .usable_bytes = uint64_t{info.f_bavail} * info.f_frsize};
}

absl::StatusOr<int64_t> PosixDisk::ModifiedMs(const std::string& path) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) {
    return PosixError(path, "stat", errno);
  }
  return int64_t{info.st_mtim.tv_sec} * 1000 + info.st_mtim.tv_nsec / 1'000'000;
}

bool PosixDisk::Exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

absl::Status PosixDisk::CreateDirectory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  return error ? PosixError(path, "mkdir", error.value()) : absl::OkStatus();
}

absl::Status PosixDisk::SyncDirectory(const std::string& path) {
  ASSIGN_OR_RETURN(UniqueFd fd, OpenFd(path, O_RDONLY | O_DIRECTORY));
  return ::fsync(fd.get()) == 0 ? absl::OkStatus() : PosixError(path, "fsync", errno);
}

absl::Status PosixDisk::Rename(const std::string& from, const std::string& to) {
  return ::rename(from.c_str(), to.c_str()) == 0 ? absl::OkStatus()
                                                 : PosixError(from, absl::StrCat("rename to ", to), errno);
}

absl::Status PosixDisk::Unlink(const std::string& path) {
  return ::unlink(path.c_str()) == 0 ? absl::OkStatus() : PosixError(path, "unlink", errno);
}

absl::Status PosixDisk::RemoveTree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  return error ? PosixError(path, "remove", error.value()) : absl::OkStatus();
}

}  // namespace sluice::storage
