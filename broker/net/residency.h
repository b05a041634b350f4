// Is a range of a file in memory, and how to get it there. A sendfile of a page that is not resident waits
// for the disk even on a non-blocking socket, and with it every other connection of the thread; so ask first,
// and leave the reading to the disk pool.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "proto/base/bytes.h"
#include "storage/disk/file_range.h"

namespace sluice::broker {

// Never blocks, and costs under a microsecond. "Yes" may be out of date at once when memory is short. A file
// system that cannot tell (tmpfs) counts as resident.
bool IsResident(const storage::FileRange& range);

// How many of the range's pages are in the page cache, or on their way there; nothing where the kernel does
// not tell.
std::optional<uint64_t> CachedPages(const storage::FileRange& range);

// Reads the range into the page cache without copying it to user space. Blocks: disk pool only. OutOfRange:
// the file ends before the range does; anything else is the disk's own error.
absl::Status MakeResident(const storage::FileRange& range);

// Takes the range's pages out of the page cache, but for those that somebody still uses. May block.
void DropFromCache(const storage::FileRange& range);

// Reads exactly `into.size()` bytes, as far as no disk is needed: 0, or EAGAIN when one is, ENODATA when the
// file ends before, or the disk's error.
int ReadResident(const storage::SharedFile& file, uint64_t position, MutableByteView into);

// The same, and blocks if it must.
int ReadFully(const storage::SharedFile& file, uint64_t position, MutableByteView into);

}  // namespace sluice::broker
