// How many files the process may have open, and what that is enough for: told in words at the start, before
// something fails at random.
#pragma once

#include <cstdint>
#include <string>

namespace sluice::broker {

// Raises the limit to what the process is allowed to raise it to; the limit then.
int64_t RaiseOpenFilesLimit();

// Each partition keeps the file open that it is appended to. What is left is for the index, the journal,
// older segments that are being read, and a few connections.
int64_t PartitionsWithin(int64_t open_files);

// A sentence when so many partitions and all connections that are allowed do not fit together; else empty.
std::string OpenFilesWarning(int64_t open_files, int64_t partitions, int64_t connections_max);

}  // namespace sluice::broker
