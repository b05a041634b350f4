// What the broker remembers of one connection.
#pragma once

#include <string>

#include "broker/kafka/produce_timeouts.h"
#include "broker/kafka/read_cursors.h"
#include "broker/net/request_handler.h"

namespace sluice::broker {

// Network thread only (but see ReadCursors).
struct KafkaConnection final : ConnectionState {
  std::string client_id;      // Of the latest request.
  std::string software_name;  // From ApiVersions (KIP-511).
  std::string software_version;
  ReadCursors cursors;
  ProduceTimeouts produce_timeouts;
};

}  // namespace sluice::broker
