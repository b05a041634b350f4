// The gRPC face of the broker: the services of proto/sluice/v1 on the same catalog and logs as Kafka's
// protocol, with health checks and reflection. No gRPC header is seen through this one.
//
// Threads: gRPC's own answer calls; whatever may block runs on the pool. Start and Shutdown from one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/config/broker_config.h"
#include "broker/topic/catalog.h"
#include "proto/base/clock.h"
#include "proto/base/ids.h"
#include "storage/disk/executor.h"

namespace sluice::broker {

// What DescribeCluster says.
struct GrpcIdentity {
  std::string cluster_id;
  NodeId node_id;
  std::string version;
  uint16_t kafka_port = 0;  // Of the first listener, as it was bound.
};

// All must outlive the server.
struct GrpcParts {
  Catalog& catalog;
  const BrokerConfig& config;
  storage::Executor& pool;
  Clock& clock;
  GrpcIdentity identity;
};

class GrpcServer {
 public:
  // `listener` is host:port; port 0 takes a free one. absl::Unavailable when it cannot be bound.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(absl::string_view listener, GrpcParts parts);
  // Shuts down without patience if Shutdown() was not called.
  virtual ~GrpcServer() = default;

  virtual uint16_t port() const = 0;
  // Takes no new calls, ends the streams, lets the other calls finish until `deadline` from now, then cancels
  // them. No call is under way when it returns.
  virtual void Shutdown(absl::Duration deadline) = 0;
};

}  // namespace sluice::broker
