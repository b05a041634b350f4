#include "client/internal/resolver.h"

#include <netdb.h>

#include <asio/ip/address.hpp>
#include <asio/post.hpp>
#include <cstring>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

namespace sluice::client_internal {

struct Resolution::State {
  absl::Mutex mu;
  // Null once nobody waits: the context may be gone then.
  asio::io_context* context ABSL_GUARDED_BY(mu) = nullptr;
  Handler handler;  // Loop thread only.
};

namespace {

absl::StatusOr<Endpoints> LookUp(const Address& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (error != 0) {
    return absl::UnavailableError(
        absl::StrCat("the name \"", address.host, "\" does not resolve: ", gai_strerror(error)));
  }
  Endpoints endpoints;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    asio::ip::tcp::endpoint endpoint;
    if (at->ai_addrlen <= endpoint.capacity()) {
      std::memcpy(endpoint.data(), at->ai_addr, at->ai_addrlen);
      endpoint.resize(at->ai_addrlen);
      endpoints.push_back(endpoint);
    }
  }
  freeaddrinfo(found);
  return endpoints;
}

}  // namespace

Resolution::Resolution(asio::io_context& context, const Address& address, Handler handler)
    : state_(std::make_shared<State>()) {
  state_->handler = std::move(handler);
  {
    absl::MutexLock lock(&state_->mu);
    state_->context = &context;
  }
  auto deliver = [state = state_](absl::StatusOr<Endpoints> result) {
    absl::MutexLock lock(&state->mu);
    if (state->context != nullptr) {
      asio::post(*state->context, [state, result = std::move(result)]() mutable {
        if (Handler waiting = std::exchange(state->handler, nullptr)) {
          waiting(std::move(result));
        }
      });
    }
  };
  asio::error_code error;
  const asio::ip::address numeric = asio::ip::make_address(address.host, error);
  if (!error) {
    deliver(Endpoints{{numeric, address.port}});
    return;
  }
  std::thread([address, deliver = std::move(deliver)] { deliver(LookUp(address)); }).detach();
}

Resolution::~Resolution() {
  state_->handler = nullptr;
  absl::MutexLock lock(&state_->mu);
  state_->context = nullptr;
}

}  // namespace sluice::client_internal
