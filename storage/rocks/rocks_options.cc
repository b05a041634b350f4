#include "storage/rocks/rocks_options.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "storage/rocks/rocks_database.h"

namespace sluice::storage {
namespace {

absl::Status SyncFolder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("opening the folder ", path, " to sync it"));
  }
  const bool synced = ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  return synced ? absl::OkStatus() : absl::ErrnoToStatus(error, absl::StrCat("syncing the folder ", path));
}

}  // namespace

rocksdb::Options CommonRocksOptions() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.max_background_jobs = 2;
  options.max_open_files = 256;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.max_log_file_size = 1 << 20;
  options.keep_log_file_num = 2;
  options.max_manifest_file_size = 4 << 20;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  KeepLogErrorsFinal(options);
  return options;
}

absl::Status MakeDatabaseFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    return absl::ErrnoToStatus(error.value(), absl::StrCat("making the folder ", path));
  }
  const std::filesystem::path absolute = std::filesystem::absolute(path, error).lexically_normal();
  return SyncFolder((absolute.has_filename() ? absolute : absolute.parent_path()).parent_path().string());
}

}  // namespace sluice::storage
