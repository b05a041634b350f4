// The ways in which bytes of a file can reach a socket.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

namespace sluice::broker {

enum class TransferMethod : uint8_t {
  kSendfile,   // Pages of the page cache are handed to the socket by reference.
  kReadWrite,  // pread into a buffer, send: two copies, what a broker without zero-copy does.
  kMmapWrite,  // Map, send from the map: one copy.
  kSplice,     // sendfile by hand, through a pipe.
};

absl::string_view TransferMethodName(TransferMethod method);
// False, and `*method` as it was, when there is no such name. Names: sendfile, read-write, mmap-write,
// splice.
bool ParseTransferMethod(absl::string_view name, TransferMethod* method);

}  // namespace sluice::broker
