// The few changes a broker makes to a batch, in place, before anyone can read it. `batch` is one whole batch
// (as ParseBatch found it) in memory that nobody else reads yet.
#pragma once

#include <cstdint>

#include "proto/base/bytes.h"
#include "proto/base/ids.h"

namespace sluice::record {

// Outside the CRC: costs twelve stored bytes.
void AssignOffset(MutableByteView batch, Offset base, LeaderEpoch epoch);

// The topic is message.timestamp.type=LogAppendTime: all records of the batch take this time. Under the CRC:
// hashes the whole batch again.
void StampLogAppendTime(MutableByteView batch, int64_t now_ms);

// For a producer that left the greatest timestamp unset or wrong (ListOffsets searches by it). Hashes the
// whole batch again.
void SetMaxTimestamp(MutableByteView batch, int64_t max_timestamp_ms);

// After any other change under the CRC.
void RefreshCrc(MutableByteView batch);

}  // namespace sluice::record
