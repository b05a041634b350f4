// What a read of the log gives: a run of bytes in a file, for whoever streams it to a socket.
#pragma once

#include <cstdint>
#include <memory>

#include "storage/disk/unique_fd.h"

namespace sluice::storage {

// An open file that readers share. It stays readable after it was unlinked: the last range that names it
// closes it. Never truncated while it may be shared.
class SharedFile {
 public:
  SharedFile(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }

 private:
  UniqueFd fd_;
  std::string path_;
};

// Bytes [position, position + size) of `file`. Immutable for as long as the range lives: they were published
// before it was made, and a published byte never changes.
struct FileRange {
  std::shared_ptr<const SharedFile> file;  // Shared by the segment and every response in flight.
  uint64_t position = 0;
  uint64_t size = 0;
};

}  // namespace sluice::storage
