// The whole broker in one object: builds the parts in the order in which they need each other, and stops them
// in the order that loses nothing.
//
//   start: metadata -> log dirs (recovery) -> catalog -> network threads -> Kafka listeners -> gRPC
//   stop:  no more requests are read -> long polls are answered -> gRPC and Kafka listeners drain, commits
//   among
//          them -> log dirs sync and are marked clean
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/config/broker_config.h"
#include "proto/base/logger.h"
#include "storage/disk/disk.h"
#include "storage/index/offset_index.h"

namespace sluice::broker {

// What a test puts in the place of the machine's own; it must outlive the broker.
struct BrokerSeams {
  storage::Disk* disk = nullptr;  // Null: the machine's own.
  // As storage::LogEnvironment::wrap_index.
  std::function<std::unique_ptr<storage::OffsetIndex>(std::unique_ptr<storage::OffsetIndex>)> wrap_index = {};
  int64_t open_files = 0;  // 0: the limit of the process, raised as far as it may be.
};

// Start and Stop from one thread.
class Broker {
 public:
  // What a person wants to know at the start, one sentence a line.
  using Announce = absl::AnyInvocable<void(const std::string& line)>;

  // Errors say what could not be had and what to do. The logger must outlive the broker.
  static absl::StatusOr<std::unique_ptr<Broker>> Start(BrokerConfig config, Logger& logger, Announce announce,
                                                       BrokerSeams seams = {});
  // Stops as Stop() does if that was not called.
  virtual ~Broker() = default;

  virtual uint16_t kafka_port() const = 0;  // Of the first listener.
  virtual uint16_t grpc_port() const = 0;

  // Answers what was received, at most until `deadline` from now, then syncs and marks the data clean.
  virtual absl::Status Stop(absl::Duration deadline) = 0;

  // A log dir failed while the broker served: it went on with the others, and whoever started it should know.
  virtual bool log_dir_failed() const = 0;

  struct Traffic {
    uint64_t bytes_in = 0;
    uint64_t bytes_by_sendfile = 0;
    uint64_t bytes_copied = 0;
  };
  virtual Traffic traffic() const = 0;
};

}  // namespace sluice::broker
