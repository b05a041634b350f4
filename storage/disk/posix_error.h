// Turns errno into a Status whose message reads "<path>: <call>: <strerror>".
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sluice::storage {

// `error` is an errno; the code tells callers what they can act on: ResourceExhausted (no space, no
// descriptors), PermissionDenied, NotFound, AlreadyExists; anything else is Unavailable, or DataLoss for EIO.
absl::Status PosixError(absl::string_view path, absl::string_view call, int error);

}  // namespace sluice::storage
