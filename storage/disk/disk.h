// The disk, behind an interface, so that tests can fail its Nth call, tear its writes or fill it up.
// Every error names the file and what was tried. All of it may block: never call it on a network thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/base/bytes.h"
#include "storage/disk/file_range.h"

namespace sluice::storage {

// A writable shared mapping of a file. Unmapped by the destructor. Storing beyond what was allocated in the
// file is a SIGBUS: the owner keeps its cursor below File::Allocate's high mark.
class Mapping {
 public:
  virtual ~Mapping() = default;
  virtual std::byte* data() = 0;
  virtual size_t size() const = 0;
  // Faults [position, position + size) in for writing, so that later stores do not stall
  // (MADV_POPULATE_WRITE).
  virtual absl::Status Populate(uint64_t position, uint64_t size) = 0;
};

// An open file. Thread-safe as the system calls are.
class File {
 public:
  virtual ~File() = default;
  // For readers; it lives on after this File and after an unlink.
  virtual const std::shared_ptr<const SharedFile>& shared() const = 0;
  virtual absl::StatusOr<uint64_t> Size() = 0;
  // Reads up to `into.size()` bytes; fewer only at the end of the file. Returns how many.
  virtual absl::StatusOr<size_t> ReadAt(uint64_t position, MutableByteView into) = 0;
  // The same for who reads a file through and does not come back: what was not in the page cache before is
  // not there afterwards, as far as the system can do that.
  virtual absl::StatusOr<size_t> ReadOnce(uint64_t position, MutableByteView into) {
    return ReadAt(position, into);
  }
  // The first byte at or behind `position` that may be anything but zero, the file's end if there is none.
  // Allocated space that nobody wrote to need not be read then (SEEK_DATA). Who cannot tell says `position`.
  virtual uint64_t NextData(uint64_t position) { return position; }
  virtual absl::Status WriteAt(uint64_t position, ByteView bytes) = 0;
  // The same for pieces that stand one behind the other in the file (pwritev); here one by one.
  virtual absl::Status WriteVectorAt(uint64_t position, std::span<const ByteView> pieces);
  // Blocks on disk for [position, position + size), reading as zero, the file at least so long (fallocate).
  // No space is absl::ResourceExhausted.
  virtual absl::Status Allocate(uint64_t position, uint64_t size) = 0;
  virtual absl::Status Truncate(uint64_t size) = 0;
  // Data and the metadata needed to read it back (fdatasync). An error is final: see docs/architecture.md.
  virtual absl::Status Sync() = 0;
  // Starts writing dirty pages back, without waiting (sync_file_range).
  virtual absl::Status StartWriteback(uint64_t position, uint64_t size) = 0;
  // Maps the first `size` bytes; the file may still be shorter.
  virtual absl::StatusOr<std::unique_ptr<Mapping>> Map(uint64_t size) = 0;
};

struct DiskSpace {
  uint64_t total_bytes = 0;
  uint64_t usable_bytes = 0;
};

class Disk {
 public:
  virtual ~Disk() = default;

  enum class OpenMode { kReadOnly, kReadWrite, kCreateNew };
  virtual absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) = 0;
  // Names in a directory, sorted, without "." and "..".
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& path) = 0;
  virtual absl::StatusOr<uint64_t> FileSize(const std::string& path) = 0;
  // When its content last changed, in milliseconds since 1970.
  virtual absl::StatusOr<int64_t> ModifiedMs(const std::string& path) = 0;
  virtual bool Exists(const std::string& path) = 0;
  // Of the file system that holds `path`; usable: by who is not root.
  virtual absl::StatusOr<DiskSpace> SpaceOf(const std::string& path) = 0;
  virtual absl::Status CreateDirectory(const std::string& path) = 0;  // Parents too; fine if it exists.
  // With its name, and those of the parents that it made, on the disk: what is synced in it is no safer.
  absl::Status CreateDurableDirectory(const std::string& path);
  virtual absl::Status SyncDirectory(const std::string& path) = 0;
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  virtual absl::Status Unlink(const std::string& path) = 0;
  virtual absl::Status RemoveTree(const std::string& path) = 0;
  // Writes a small file so that after a crash it is whole: old or new (temporary, sync, rename, directory
  // sync).
  absl::Status ReplaceFile(const std::string& path, absl::string_view content);
  absl::StatusOr<std::string> ReadFile(const std::string& path);
};

}  // namespace sluice::storage
