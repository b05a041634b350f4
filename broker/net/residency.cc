#include "broker/net/residency.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace sluice::broker {
namespace {

constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kProbeStride = 64 * 1024;
constexpr uint64_t kPopulateBytes = 1024 * 1024;

// cachestat(2) is younger (Linux 6.5) than the headers of Debian 12.
constexpr long kCachestatCall = 451;
struct CachestatRange {
  uint64_t offset;
  uint64_t length;
};
struct Cachestat {
  uint64_t cached, dirty, writeback, evicted, recently_evicted;
};

// One byte, now or not at all. Unlike cachestat it does not take a page that is still being read for one that
// is there.
bool CanReadNow(const storage::SharedFile& file, uint64_t position) {
  std::byte byte;
  return ReadResident(file, position, {&byte, 1}) != EAGAIN;
}

absl::Status DiskError(const storage::FileRange& range, int error) {
  const std::string where =
      absl::StrCat(range.file->path(), ", bytes ", range.position, " to ", range.position + range.size);
  if (error == ENODATA) {
    return absl::OutOfRangeError(
        absl::StrCat(where, ": the file is shorter than that; something other than the broker truncated it"));
  }
  return absl::InternalError(
      absl::StrCat(where, ": cannot read: ", std::strerror(error), "; check the disk"));
}

// Through a buffer of our own: slower, but it says what is wrong.
absl::Status ReadThrough(storage::FileRange range) {
  Bytes buffer(std::min(range.size, kProbeStride));
  while (range.size > 0) {
    const uint64_t step = std::min<uint64_t>(range.size, buffer.size());
    if (int error = ReadFully(*range.file, range.position, {buffer.data(), step}); error != 0) {
      return DiskError(range, error);
    }
    range.position += step;
    range.size -= step;
  }
  return absl::OkStatus();
}

bool Populate(const storage::FileRange& range) {
  const uint64_t lead = range.position % kPageBytes;
  const size_t size = lead + range.size;
  void* map = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, range.file->fd(),
                     static_cast<off_t>(range.position - lead));
  if (map == MAP_FAILED) {
    return false;
  }
  const bool populated = ::madvise(map, size, MADV_POPULATE_READ) == 0;
  ::munmap(map, size);
  return populated;
}

int ReadExactly(const storage::SharedFile& file, uint64_t position, MutableByteView into, int flags) {
  while (!into.empty()) {
    iovec part{into.data(), into.size()};
    ssize_t got = ::preadv2(file.fd(), &part, 1, static_cast<off_t>(position), flags);
    if (got < 0 && errno == EOPNOTSUPP && flags != 0) {
      flags = 0;  // A file system without RWF_NOWAIT keeps its files in memory.
      continue;
    }
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return got == 0 ? ENODATA : errno;
    }
    position += static_cast<uint64_t>(got);
    into = into.subspan(static_cast<size_t>(got));
  }
  return 0;
}

}  // namespace

std::optional<uint64_t> CachedPages(const storage::FileRange& range) {
  CachestatRange where{range.position, range.size};
  Cachestat found{};
  if (::syscall(kCachestatCall, range.file->fd(), &where, &found, 0) != 0) {
    return std::nullopt;
  }
  return found.cached;
}

bool IsResident(const storage::FileRange& range) {
  if (range.size == 0) {
    return true;
  }
  const uint64_t pages = (range.position + range.size - 1) / kPageBytes - range.position / kPageBytes + 1;
  const std::optional<uint64_t> cached = CachedPages(range);
  if (cached.has_value() && *cached < pages) {
    return false;
  }
  // Cached pages may still be on their way from the disk. They arrive in order, so the last one tells.
  const uint64_t last = range.position + range.size - 1;
  if (cached.has_value()) {
    return CanReadNow(*range.file, last) && CanReadNow(*range.file, range.position);
  }
  for (uint64_t at = range.position; at < last; at += kProbeStride) {
    if (!CanReadNow(*range.file, at)) {
      return false;
    }
  }
  return CanReadNow(*range.file, last);
}

absl::Status MakeResident(const storage::FileRange& range) {
  for (uint64_t done = 0; done < range.size; done += kPopulateBytes) {
    const storage::FileRange piece{range.file, range.position + done,
                                   std::min(kPopulateBytes, range.size - done)};
    if (!Populate(piece)) {
      if (absl::Status status = ReadThrough(piece); !status.ok()) {
        return status;
      }
    }
  }
  return absl::OkStatus();
}

void DropFromCache(const storage::FileRange& range) {
  ::posix_fadvise(range.file->fd(), static_cast<off_t>(range.position), static_cast<off_t>(range.size),
                  POSIX_FADV_DONTNEED);
}

int ReadResident(const storage::SharedFile& file, uint64_t position, MutableByteView into) {
  return ReadExactly(file, position, into, RWF_NOWAIT);
}

int ReadFully(const storage::SharedFile& file, uint64_t position, MutableByteView into) {
  return ReadExactly(file, position, into, 0);
}

}  // namespace sluice::broker
