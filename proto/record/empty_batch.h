// A batch without records, as Kafka's compaction leaves where all records of a batch went: it holds the place
// of offsets that nothing stands at any more, so that a log goes on without a hole. Every client skips it.
#pragma once

#include "proto/base/bytes.h"
#include "proto/base/ids.h"

namespace sluice::record {

// Covers offsets `first` to `last`: at most 2^31 of them.
Bytes MakeEmptyBatch(Offset first, Offset last, LeaderEpoch epoch);

}  // namespace sluice::record
