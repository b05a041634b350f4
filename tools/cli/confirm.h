// Asking before what cannot be undone.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sluice::cli {

// `what`: "delete 3 groups for good". OK when `yes`, or when a person at a terminal says so; a script must
// say
// --yes, for nobody is there to be asked.
absl::Status Confirm(bool yes, absl::string_view what);

}  // namespace sluice::cli
