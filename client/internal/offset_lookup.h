// Turns positions (the end, a time, ten before the end) into offsets by asking the leaders, as often as it
// takes: stale metadata and brokers that restart are retried until the deadline. Loop thread only.
#pragma once

#include <functional>
#include <vector>

#include "absl/time/time.h"
#include "client/internal/core.h"
#include "sluice/admin.h"

namespace sluice::client_internal {

// One answer for each query, in order; `done` runs once, perhaps from inside the call. Its topics are watched
// from now on. Dropped when the core stops.
void LookUpOffsets(Core& core, std::vector<OffsetQuery> queries, absl::Duration timeout,
                   std::function<void(std::vector<OffsetAnswer>)> done);

}  // namespace sluice::client_internal
