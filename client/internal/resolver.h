// Looks up names without blocking the I/O thread, and without tying anyone's lifetime to getaddrinfo, which
// may hang for many seconds and cannot be interrupted: a look-up that nobody waits for any more ends on its
// own thread and touches nothing. (Asio's own resolver would make the client's destructor wait for it.)
#pragma once

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "client/internal/address.h"

namespace sluice::client_internal {

using Endpoints = std::vector<asio::ip::tcp::endpoint>;

// One look-up. Loop thread only.
class Resolution {
 public:
  using Handler = std::function<void(absl::StatusOr<Endpoints>)>;

  // `handler` runs on `context`'s thread, not from inside this call. Numeric addresses are not looked up.
  Resolution(asio::io_context& context, const Address& address, Handler handler);
  ~Resolution();  // `handler` will not run any more.
  Resolution(const Resolution&) = delete;
  Resolution& operator=(const Resolution&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;  // Shared with the thread that looks up.
};

}  // namespace sluice::client_internal
