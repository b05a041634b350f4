// What the connections of one network thread share, and the list of them.
#pragma once

#include <asio/steady_timer.hpp>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "broker/net/buffer_pool.h"
#include "broker/net/net_options.h"
#include "broker/net/net_stats.h"
#include "broker/net/network_threads.h"
#include "broker/net/receive_budget.h"
#include "broker/net/request_handler.h"
#include "broker/net/response_writer.h"
#include "proto/base/clock.h"
#include "proto/base/logger.h"
#include "storage/disk/executor.h"

namespace sluice::broker {

// What a server is given; all of it outlives the server.
struct NetParts {
  RequestHandler& handler;
  storage::Executor& disk_pool;
  NetStats& stats;
  Logger& logger;
  Clock& clock;
};

// Its network thread only, but for the constructor and the destructor.
class ConnectionHost {
 public:
  ConnectionHost(NetworkThread& network_thread, const NetOptions& net_options, const NetParts& net_parts,
                 ReceiveBudget& receive_budget, LogLimiter& log_limiter);

  void Add(Connection* connection) { connections_.insert(connection); }
  void Remove(Connection* connection) { connections_.erase(connection); }
  // `visit` may close the connection it is given.
  void ForEach(absl::FunctionRef<void(Connection&)> visit);

  // Looks at every connection's deadlines once per tick.
  void StartTicking();
  // Time as of the last tick: deadlines are long, and asking the clock for each recv is not free.
  absl::Duration now() const { return now_; }

  // Says that a connection was closed. Warnings are held back to one a second: a peer can provoke them.
  void LogClose(LogLevel level, absl::string_view peer, absl::string_view reason);

  NetworkThread& thread;
  const NetOptions& options;
  const NetParts& parts;
  ReceiveBudget& budget;
  BufferPool buffers;
  WriteTools write_tools;

 private:
  void Tick();

  LogLimiter& log_limiter_;
  absl::flat_hash_set<Connection*> connections_;
  asio::steady_timer timer_;
  absl::Duration now_;
};

}  // namespace sluice::broker
