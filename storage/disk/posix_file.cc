#include "storage/disk/posix_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "proto/base/check.h"
#include "storage/disk/posix_error.h"

// Linux 5.14; absent from Debian 12's C library headers.
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace sluice::storage {
namespace {

constexpr uint64_t kPageSize = 4096;
constexpr size_t kVectorMax = 1024;  // IOV_MAX.

// cachestat(2) is younger (Linux 6.5) than the headers of Debian 12.
constexpr long kCachestatCall = 451;

// Whether most of a range is in the page cache. Where the kernel does not tell, it counts as there: nothing
// that somebody may need is dropped then.
bool IsMostlyCached(int fd, uint64_t position, uint64_t size) {
  struct Range {
    uint64_t offset, length;
  } range{position, size};
  struct Found {
    uint64_t cached, dirty, writeback, evicted, recently_evicted;
  } found{};
  if (::syscall(kCachestatCall, fd, &range, &found, 0) != 0) {
    return true;
  }
  return (found.cached + found.writeback) * kPageSize * 2 >= size;
}

class PosixMapping final : public Mapping {
 public:
  PosixMapping(std::shared_ptr<const SharedFile> file, std::byte* data, size_t size)
      : file_(std::move(file)), data_(data), size_(size) {}
  PosixMapping(const PosixMapping&) = delete;
  PosixMapping& operator=(const PosixMapping&) = delete;
  ~PosixMapping() override { ::munmap(data_, size_); }

  std::byte* data() override { return data_; }
  size_t size() const override { return size_; }

  absl::Status Populate(uint64_t position, uint64_t size) override {
    const uint64_t from = position / kPageSize * kPageSize;
    const uint64_t to = position + size;
    CHECK_LE(to, size_);
    if (::madvise(data_ + from, to - from, MADV_POPULATE_WRITE) == 0) {
      return absl::OkStatus();
    }
    // A kernel before 5.14 does not know it: later stores fault one by one, which is slower and no error.
    return errno == EINVAL ? absl::OkStatus()
                           : PosixError(file_->path(), "madvise(MADV_POPULATE_WRITE)", errno);
  }

 private:
  const std::shared_ptr<const SharedFile> file_;  // For messages; a map outlives its descriptor anyway.
  std::byte* const data_;
  const size_t size_;
};

}  // namespace

absl::Status PosixFile::Error(const char* call, int error) const {
  return PosixError(file_->path(), call, error);
}

absl::StatusOr<uint64_t> PosixFile::Size() {
  struct stat info;
  if (::fstat(fd(), &info) != 0) {
    return Error("fstat", errno);
  }
  return static_cast<uint64_t>(info.st_size);
}

absl::StatusOr<size_t> PosixFile::ReadAt(uint64_t position, MutableByteView into) {
  size_t done = 0;
  while (done < into.size()) {
    const ssize_t got =
        ::pread(fd(), into.data() + done, into.size() - done, static_cast<off_t>(position + done));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return Error("pread", errno);
    }
    if (got == 0) {
      break;
    }
    done += static_cast<size_t>(got);
  }
  return done;
}

// Without read-ahead, which would make the next stretch look as if somebody else had read it.
absl::StatusOr<size_t> PosixFile::ReadOnce(uint64_t position, MutableByteView into) {
  if (!read_ahead_off_.exchange(true)) {
    ::posix_fadvise(fd(), 0, 0, POSIX_FADV_RANDOM);
  }
  const bool was_cached = IsMostlyCached(fd(), position, into.size());
  absl::StatusOr<size_t> got = ReadAt(position, into);
  if (got.ok() && !was_cached) {
    ::posix_fadvise(fd(), static_cast<off_t>(position), static_cast<off_t>(*got), POSIX_FADV_DONTNEED);
  }
  return got;
}

uint64_t PosixFile::NextData(uint64_t position) {
  const off_t found = ::lseek(fd(), static_cast<off_t>(position), SEEK_DATA);
  if (found >= 0) {
    return static_cast<uint64_t>(found);
  }
  struct stat info;
  const bool no_data = errno == ENXIO && ::fstat(fd(), &info) == 0;
  return no_data ? std::max(position, static_cast<uint64_t>(info.st_size)) : position;
}

absl::Status PosixFile::WriteAt(uint64_t position, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(fd(), bytes.data(), bytes.size(), static_cast<off_t>(position));
    if (put < 0 && errno == EINTR) {
      continue;
    }
    if (put < 0) {
      return Error("pwrite", errno);
    }
    bytes = bytes.subspan(static_cast<size_t>(put));
    position += static_cast<uint64_t>(put);
  }
  return absl::OkStatus();
}

absl::Status PosixFile::WriteVectorAt(uint64_t position, std::span<const ByteView> pieces) {
  while (!pieces.empty()) {
    std::array<iovec, kVectorMax> vectors;
    const size_t count = std::min(pieces.size(), vectors.size());
    uint64_t size = 0;
    for (size_t i = 0; i < count; ++i) {
      vectors[i] = {const_cast<std::byte*>(pieces[i].data()), pieces[i].size()};
      size += pieces[i].size();
    }
    const ssize_t put =
        ::pwritev(fd(), vectors.data(), static_cast<int>(count), static_cast<off_t>(position));
    if (put < 0 && errno == EINTR) {
      continue;
    }
    if (put < 0) {
      return Error("pwritev", errno);
    }
    if (static_cast<uint64_t>(put) != size) {  // Rare: a signal, or the disk is filling up.
      return File::WriteVectorAt(position, pieces);
    }
    position += size;
    pieces = pieces.subspan(count);
  }
  return absl::OkStatus();
}

absl::Status PosixFile::Allocate(uint64_t position, uint64_t size) {
  int result;
  do {
    result = ::fallocate(fd(), 0, static_cast<off_t>(position), static_cast<off_t>(size));
  } while (result != 0 && errno == EINTR);
  return result == 0 ? absl::OkStatus() : Error("fallocate", errno);
}

absl::Status PosixFile::Truncate(uint64_t size) {
  return ::ftruncate(fd(), static_cast<off_t>(size)) == 0 ? absl::OkStatus() : Error("ftruncate", errno);
}

absl::Status PosixFile::Sync() {
  return ::fdatasync(fd()) == 0 ? absl::OkStatus() : Error("fdatasync", errno);
}

absl::Status PosixFile::StartWriteback(uint64_t position, uint64_t size) {
  const int result = ::sync_file_range(fd(), static_cast<off64_t>(position), static_cast<off64_t>(size),
                                       SYNC_FILE_RANGE_WRITE);
  return result == 0 ? absl::OkStatus() : Error("sync_file_range", errno);
}

absl::StatusOr<std::unique_ptr<Mapping>> PosixFile::Map(uint64_t size) {
  void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd(), 0);
  if (data == MAP_FAILED) {
    return Error("mmap", errno);
  }
  return std::make_unique<PosixMapping>(file_, static_cast<std::byte*>(data), size);
}

}  // namespace sluice::storage
