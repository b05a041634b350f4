// What the listeners of a configuration must be: well formed, of a protocol that is there, and not open to
// other machines unless the operator says so.
#pragma once

#include "absl/status/status.h"
#include "broker/config/broker_config.h"

namespace sluice::broker {

// absl::InvalidArgument naming the key, the listener and what to do.
absl::Status CheckListeners(const BrokerConfig& config);

}  // namespace sluice::broker
