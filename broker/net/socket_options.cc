#include "broker/net/socket_options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace sluice::broker {

void SetNoDelay(int socket) {
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

absl::Status SetCongestionControl(int socket, const std::string& name) {
  if (::setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, name.data(), static_cast<socklen_t>(name.size())) ==
      0) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("sluice.socket.congestion.control=", name, ": ", std::strerror(errno),
                   "; /proc/sys/net/ipv4/tcp_allowed_congestion_control lists what may be used"));
}

}  // namespace sluice::broker
