// Internal to storage/disk: an open file and a mapping of it.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "storage/disk/disk.h"

namespace sluice::storage {

class PosixFile final : public File {
 public:
  PosixFile(UniqueFd fd, std::string path)
      : file_(std::make_shared<const SharedFile>(std::move(fd), std::move(path))) {}

  const std::shared_ptr<const SharedFile>& shared() const override { return file_; }
  absl::StatusOr<uint64_t> Size() override;
  absl::StatusOr<size_t> ReadAt(uint64_t position, MutableByteView into) override;
  absl::StatusOr<size_t> ReadOnce(uint64_t position, MutableByteView into) override;
  uint64_t NextData(uint64_t position) override;
  absl::Status WriteAt(uint64_t position, ByteView bytes) override;
  absl::Status WriteVectorAt(uint64_t position, std::span<const ByteView> pieces) override;
  absl::Status Allocate(uint64_t position, uint64_t size) override;
  absl::Status Truncate(uint64_t size) override;
  absl::Status Sync() override;
  absl::Status StartWriteback(uint64_t position, uint64_t size) override;
  absl::StatusOr<std::unique_ptr<Mapping>> Map(uint64_t size) override;

 private:
  absl::Status Error(const char* call, int error) const;
  int fd() const { return file_->fd(); }

  std::atomic<bool> read_ahead_off_{false};
  const std::shared_ptr<const SharedFile> file_;  // Shared with the ranges that readers stream.
};

}  // namespace sluice::storage
