// One listening socket: accepts, and hands sockets over.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <cstdint>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "broker/net/net_options.h"
#include "broker/net/net_stats.h"
#include "broker/net/network_threads.h"
#include "proto/base/logger.h"
#include "storage/disk/unique_fd.h"

namespace sluice::broker {

// Lives on `thread`; Bind and the destructor run while that does not, or has stopped.
class Listener {
 public:
  // Gets each accepted socket: non-blocking, close-on-exec. On the listener's network thread.
  using OnAccept = absl::AnyInvocable<void(storage::UniqueFd socket, asio::ip::tcp::endpoint peer)>;

  static absl::StatusOr<std::unique_ptr<Listener>> Bind(NetworkThread& thread, const ListenAddress& address,
                                                        const NetOptions& options, NetStats& stats,
                                                        Logger& logger, LogLimiter& log_limiter);

  uint16_t port() const { return port_; }
  const std::string& name() const { return name_; }

  void Start(OnAccept on_accept);
  // On its network thread. Connects are refused from now on.
  void Stop();

 private:
  Listener(NetworkThread& thread, std::string name, NetStats& stats, Logger& logger, LogLimiter& log_limiter);
  absl::Status Open(const ListenAddress& address, const NetOptions& options);
  asio::awaitable<void> Accept();
  bool AcceptOne();
  void OnOutOfFiles(int error);

  NetworkThread& thread_;
  const std::string name_;
  NetStats& stats_;
  Logger& logger_;
  LogLimiter& log_limiter_;
  OnAccept on_accept_;
  asio::ip::tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  // Given up to accept, and close, what came when no descriptor was left: the peer learns it, and the backlog
  // does not fill up.
  storage::UniqueFd reserve_;
  bool out_of_files_ = false;
  uint16_t port_ = 0;
};

}  // namespace sluice::broker
