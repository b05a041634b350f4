#include "broker/net/acceptor.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/ip/v6_only.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/net/socket_options.h"

namespace sluice::broker {
namespace {

constexpr auto kOutOfFilesPause = std::chrono::milliseconds(100);

storage::UniqueFd OpenReserve() {
  return storage::UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

absl::Status BindError(const ListenAddress& address, const asio::error_code& error) {
  absl::string_view advice = "check the address in `listeners`";
  if (error == asio::error::address_in_use) {
    advice = "another program (a second broker?) has this port: stop it, or name another in `listeners`";
  } else if (error == asio::error::access_denied) {
    advice = "ports below 1024 need privileges: name a higher one in `listeners`";
  } else if (error.value() == EADDRNOTAVAIL) {
    advice = "this machine has no such address: name one of its own in `listeners`";
  }
  return absl::UnavailableError(absl::StrCat("cannot listen on ", address.host, ":", address.port, ": ",
                                             error.message(), "; ", advice));
}

}  // namespace

Listener::Listener(NetworkThread& thread, std::string name, NetStats& stats, Logger& logger,
                   LogLimiter& log_limiter)
    : thread_(thread),
      name_(std::move(name)),
      stats_(stats),
      logger_(logger),
      log_limiter_(log_limiter),
      acceptor_(thread.context()),
      pause_(thread.context()),
      reserve_(OpenReserve()) {}

absl::StatusOr<std::unique_ptr<Listener>> Listener::Bind(NetworkThread& thread, const ListenAddress& address,
                                                         const NetOptions& options, NetStats& stats,
                                                         Logger& logger, LogLimiter& log_limiter) {
  std::unique_ptr<Listener> listener(new Listener(thread, address.name, stats, logger, log_limiter));
  if (absl::Status status = listener->Open(address, options); !status.ok()) {
    return status;
  }
  return listener;
}

absl::Status Listener::Open(const ListenAddress& address, const NetOptions& options) {
  using asio::ip::tcp;
  asio::error_code error;
  tcp::endpoint endpoint(tcp::v6(), address.port);
  if (!address.host.empty()) {
    tcp::resolver resolver(thread_.context());
    const auto found =
        resolver.resolve(address.host, absl::StrCat(address.port), tcp::resolver::passive, error);
    if (error) {
      return BindError(address, error);
    }
    endpoint = found.begin()->endpoint();
  }
  acceptor_.open(endpoint.protocol(), error);
  if (error == asio::error::address_family_not_supported && address.host.empty()) {
    endpoint = tcp::endpoint(tcp::v4(), address.port);  // A machine without IPv6.
    acceptor_.open(endpoint.protocol(), error);
  }
  if (error) {
    return BindError(address, error);
  }
  acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (endpoint.protocol() == tcp::v6() && address.host.empty()) {
    acceptor_.set_option(asio::ip::v6_only(false), error);
  }
  if (!options.congestion_control.empty()) {
    absl::Status status = SetCongestionControl(acceptor_.native_handle(), options.congestion_control);
    if (!status.ok()) {
      return status;
    }
  }
  acceptor_.bind(endpoint, error);
  if (!error) {
    acceptor_.listen(options.backlog, error);
  }
  if (!error) {
    acceptor_.native_non_blocking(true, error);
  }
  if (error) {
    return BindError(address, error);
  }
  port_ = acceptor_.local_endpoint(error).port();
  return absl::OkStatus();
}

void Listener::Start(OnAccept on_accept) {
  on_accept_ = std::move(on_accept);
  asio::co_spawn(thread_.context(), Accept(), asio::detached);
}

void Listener::Stop() {
  asio::error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
}

asio::awaitable<void> Listener::Accept() {
  while (acceptor_.is_open()) {
    asio::error_code ignored;  // Whatever is wrong, accept4 says it better.
    co_await acceptor_.async_wait(asio::socket_base::wait_read,
                                  asio::redirect_error(asio::use_awaitable, ignored));
    while (acceptor_.is_open() && AcceptOne()) {
    }
    if (std::exchange(out_of_files_, false) && acceptor_.is_open()) {
      pause_.expires_after(kOutOfFilesPause);
      co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
  }
}

// True: there may be more.
bool Listener::AcceptOne() {
  asio::ip::tcp::endpoint peer;
  auto size = static_cast<socklen_t>(peer.capacity());
  storage::UniqueFd socket(
      ::accept4(acceptor_.native_handle(), peer.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (socket.valid()) {
    peer.resize(size);
    SetNoDelay(socket.get());
    on_accept_(std::move(socket), peer);
    return true;
  }
  switch (errno) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      OnOutOfFiles(errno);
      return false;
    case EAGAIN:
      return false;
    default:
      return true;  // That one connection failed before it was accepted.
  }
}

void Listener::OnOutOfFiles(int error) {
  out_of_files_ = true;
  stats_.connections_refused.Add();
  reserve_.Reset();
  ::close(::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC));
  reserve_ = OpenReserve();
  if (auto held_back = log_limiter_.Admit()) {
    logger_.Error("net",
                  absl::StrCat("cannot accept a connection on port ", port_, ": ", std::strerror(error),
                               "; raise the limit of open files (ulimit -n)", HeldBack(*held_back)));
  }
}

}  // namespace sluice::broker
