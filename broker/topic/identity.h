// What the broker knows about itself from one start to the next. Blocks: called once, at the start.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/base/clock.h"
#include "proto/base/ids.h"
#include "proto/base/random.h"
#include "proto/base/uuid.h"
#include "storage/meta/metadata_store.h"

namespace sluice::broker {

// The cluster's id: made up at the very first start (`/cluster/id`), the same ever after.
absl::StatusOr<Uuid> ClusterId(storage::MetadataStore& store, Random& random, Clock& clock = Clock::System());

// Counts this start (`/brokers/<id>/boot`) and returns the count: the leader epoch of every partition until
// the next one. So an epoch is never used twice, not even after a crash. `version` is noted beside it.
absl::StatusOr<LeaderEpoch> NextBootEpoch(storage::MetadataStore& store, NodeId node_id,
                                          absl::string_view version = "", Clock& clock = Clock::System());

}  // namespace sluice::broker
