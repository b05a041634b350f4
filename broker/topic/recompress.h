// compression.type of a topic: a batch that came with another codec is opened, checked record by record,
// and compressed anew before it is appended. All else in it stays: offsets, timestamps, headers, producer id,
// epoch and sequence, and the other attributes. "producer" leaves every batch as it is.
#pragma once

#include <cstdint>
#include <optional>

#include "broker/config/topic_config.h"
#include "broker/topic/produce_rules.h"
#include "proto/base/bytes.h"
#include "proto/record/batch_view.h"

namespace sluice::broker {

bool NeedsRecompression(record::BatchView batch, const TopicConfig& config);

// `batch`: CheckBatch() found it good and gave `checked`. Fills `changed` when the verdict is ok. Takes what
// it takes to compress, so: the disk pool; the next batch of the same producer waits meanwhile. Its memory is
// bounded by sluice.decompressed.max.bytes.
ProduceVerdict Recompress(record::BatchView batch, const ProduceVerdict& checked, const TopicConfig& config,
                          int64_t now_ms, Bytes* changed);

}  // namespace sluice::broker
