// Sockets as Sluice wants them.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace sluice::broker {

// Small responses leave at once. SO_SNDBUF and SO_RCVBUF are left alone: the kernel's own tuning is the
// fastest.
void SetNoDelay(int socket);

// On a listener: accepted sockets inherit it. BBR, the default of some machines, costs a quarter of the
// throughput over loopback.
absl::Status SetCongestionControl(int socket, const std::string& name);

}  // namespace sluice::broker
