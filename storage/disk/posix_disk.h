// The machine's own disk: plain POSIX and Linux calls. Thread-safe; it has no state.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "storage/disk/disk.h"

namespace sluice::storage {

class PosixDisk final : public Disk {
 public:
  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override;
  absl::StatusOr<uint64_t> FileSize(const std::string& path) override;
  absl::StatusOr<int64_t> ModifiedMs(const std::string& path) override;
  bool Exists(const std::string& path) override;
  absl::StatusOr<DiskSpace> SpaceOf(const std::string& path) override;
  absl::Status CreateDirectory(const std::string& path) override;
  absl::Status SyncDirectory(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Unlink(const std::string& path) override;
  absl::Status RemoveTree(const std::string& path) override;
};

}  // namespace sluice::storage
