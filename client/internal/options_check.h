// Options that contradict each other or make no sense are refused where they are given.
#pragma once

#include "absl/status/status.h"
#include "sluice/options.h"

namespace sluice::client_internal {

absl::Status CheckOptions(const ClientOptions& options);
absl::Status CheckOptions(const ProducerOptions& options);
absl::Status CheckOptions(const ConsumerOptions& options);

}  // namespace sluice::client_internal
