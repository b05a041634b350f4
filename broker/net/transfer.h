// Moves a range of a file to a non-blocking socket: one strategy for each TransferMethod.
//
//   std::unique_ptr<Transfer> transfer = MakeTransfer(TransferMethod::kSendfile);
//   TransferResult result = transfer->Send(socket, range);
//   if (result.error == EAGAIN) { ... wait until the socket is writable, come back with the rest ... }
//
// SIGPIPE must be blocked or ignored (network threads block it): sendfile and splice cannot do without.
// A transfer keeps nothing between calls, so one serves all connections of a thread; it is not thread-safe.
// Make the range resident first (residency.h): every method blocks on a page that has to come from the disk.
#pragma once

#include <cstdint>
#include <memory>

#include "broker/net/transfer_method.h"
#include "storage/disk/file_range.h"

namespace sluice::broker {

struct TransferResult {
  uint64_t sent = 0;
  // 0, or why less than the whole range was sent: EAGAIN, the socket is full; ENODATA, the file ends before
  // the range does; anything else is what the system said about the socket or the disk.
  int error = 0;
};

class Transfer {
 public:
  virtual ~Transfer() = default;
  // One go: may send less than the range without an error.
  virtual TransferResult Send(int socket, const storage::FileRange& range) = 0;
};

std::unique_ptr<Transfer> MakeTransfer(TransferMethod method);

}  // namespace sluice::broker
