// The limits and settings of the network side, with their defaults. Kafka's name of each stands beside it.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "broker/net/transfer_method.h"

namespace sluice::broker {

// Where to listen.
struct ListenAddress {
  std::string name;   // The listener's name ("PLAINTEXT"): handlers see it in ConnectionInfo.
  std::string host;   // A name or an address; empty: every address of the machine.
  uint16_t port = 0;  // 0: the system picks one.
};

struct NetOptions {
  int threads = 2;  // num.network.threads

  uint32_t frame_bytes_max = 104857600;  // socket.request.max.bytes
  uint64_t receive_budget_bytes =
      256 * 1024 * 1024;        // queued.max.request.bytes: of all connections together.
  uint32_t in_flight_max = 64;  // Requests of one connection that are not answered yet.
  // sluice.response.max.bytes: while the answers that one connection has not taken hold so much memory, its
  // next request is not handled: a client that asks for much and reads nothing costs this and one answer
  // more. Ranges of files are not counted, they take none.
  uint64_t response_bytes_max = 8 * 1024 * 1024;

  int backlog = 1024;                              // socket.listen.backlog.size
  uint32_t connections_max = 10000;                // max.connections
  uint32_t connections_per_address_max = 10000;    // max.connections.per.ip
  std::string congestion_control;                  // sluice.socket.congestion.control; empty: the system's.
  absl::Duration idle_max = absl::Minutes(10);     // connections.max.idle.ms
  absl::Duration request_max = absl::Seconds(60);  // From a request's first byte to its last.
  absl::Duration write_stall_max = absl::Seconds(60);  // A peer that takes no byte for so long is dropped.

  TransferMethod transfer = TransferMethod::kSendfile;
  // File ranges up to so many bytes are copied and leave in one writev with the header and the answers around
  // them. Measured with tests/bench/net_bench.cc: at 32 KiB the server spends as much on one at a time as
  // with sendfile (3.7 us), and a third less with 8 in flight (1.8 against 2.8 us); at 64 KiB they are even.
  uint32_t copied_range_bytes_max = 32 * 1024;

  absl::Duration tick = absl::Seconds(1);  // How often deadlines are looked at.
};

}  // namespace sluice::broker
