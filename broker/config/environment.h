// Names of environment variables that set config keys.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace sluice::broker {

// "SLUICE_LOG_DIRS" -> "log.dirs", "SLUICE_GRPC_LISTENER" -> "sluice.grpc.listener". A name that is not in
// the table comes back translated all the same. Empty when `variable` does not begin with SLUICE_.
std::string ConfigNameOfVariable(absl::string_view variable);

}  // namespace sluice::broker
