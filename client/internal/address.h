// "host:port" as people write it: a name, an IPv4 address, or an IPv6 address in brackets.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice::client_internal {

inline constexpr uint16_t kDefaultPort = 9092;

struct Address {
  std::string host;
  uint16_t port = kDefaultPort;

  std::string ToString() const;

  friend auto operator<=>(const Address&, const Address&) = default;
  template <class H>
  friend H AbslHashValue(H state, const Address& address) {
    return H::combine(std::move(state), address.host, address.port);
  }
};

absl::StatusOr<Address> ParseAddress(absl::string_view text);
// A comma-separated list of at least one.
absl::StatusOr<std::vector<Address>> ParseBootstrap(absl::string_view list);

}  // namespace sluice::client_internal
