// The network side of the broker: listeners, threads, connections.
//
//   auto server = Server::Start(options, {{"PLAINTEXT", "127.0.0.1", 9092}}, parts);
//   server->Drain(absl::Seconds(5));    // No new requests; answers that are due go out.
//   server->Stop();                     // Everything is closed; no handler runs any more.
//
// Threads: one owner calls its methods, never from a network thread. It may be destroyed at any time.
// Response slots may outlive it and do nothing then; executors (ConnectionInfo) may be posted to until it is
// destroyed.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/net/acceptor.h"
#include "broker/net/connection_host.h"
#include "broker/net/connection_limits.h"
#include "broker/net/net_options.h"
#include "broker/net/network_threads.h"
#include "broker/net/receive_budget.h"

namespace sluice::broker {

class Server {
 public:
  using Options = NetOptions;

  // What `parts` refers to must outlive the server.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const Options& options,
                                                       const std::vector<ListenAddress>& addresses,
                                                       const NetParts& parts);
  ~Server();

  // The real ports, in the order of the addresses.
  std::vector<uint16_t> ports() const;
  uint32_t connections() const { return limits_.total(); }

  void StopAccepting();
  // And stops reading: requests in flight are still answered. What Drain() begins with.
  void StopReading();
  // Stops accepting and reading, lets the requests in flight be answered, and closes each connection that has
  // none left. True if all of them did within `at_most`.
  bool Drain(absl::Duration at_most);
  // Closes what is open and joins the threads. Handlers that still wait for something are destroyed.
  void Stop();

 private:
  Server(const Options& options, const NetParts& parts);
  void OnAccept(const std::string& listener, storage::UniqueFd socket, const asio::ip::tcp::endpoint& peer);
  void Refuse(const asio::ip::tcp::endpoint& peer, const absl::Status& why);
  void ForEachConnection(absl::FunctionRef<void(Connection&)> visit);

  const Options options_;
  const NetParts parts_;
  ReceiveBudget budget_;
  ConnectionLimits limits_;
  LogLimiter close_limiter_;
  LogLimiter refuse_limiter_;
  NetworkThreads threads_;
  std::vector<std::unique_ptr<ConnectionHost>> hosts_;  // One a thread.
  std::vector<std::unique_ptr<Listener>> listeners_;
  size_t next_host_ = 0;  // First network thread only: all listeners live there.
  bool accepting_ = true;
  bool stopped_ = false;
};

}  // namespace sluice::broker
