// How this broker names itself to a client.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "broker/kafka/call.h"

namespace sluice::broker {

struct Self {
  int32_t node_id = 0;
  std::string host;
  int32_t port = 0;
  std::optional<std::string> rack = {};
};

// The advertised address, or the one that this client connected to.
Self DescribeSelf(const Call& call);

// What a client may do, as the bits of Kafka's AclOperations: everything, since there is no authorizer.
inline constexpr int32_t kNotAsked = INT32_MIN;
inline constexpr int32_t kAllTopicOperations = 3576;    // Read ... AlterConfigs.
inline constexpr int32_t kAllClusterOperations = 8096;  // Create ... IdempotentWrite.

}  // namespace sluice::broker
