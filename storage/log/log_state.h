// The part of a checkpoint that is the log's own: what recovery cannot learn from the bytes behind the
// checkpoint. Layout: docs/formats/log-dir.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/base/ids.h"
#include "proto/record/batch_format.h"
#include "storage/log/epoch_cache.h"
#include "storage/log/producer_state.h"

namespace sluice::storage {

struct LogState {
  Offset log_start;
  int64_t max_timestamp_ms = record::kNoTimestamp;          // Of all records so far...
  int64_t segment_max_timestamp_ms = record::kNoTimestamp;  // ... and of those in the last segment.
  std::vector<EpochStart> epochs;
  ProducerState producers;
};

std::string EncodeLogState(const LogState& state);
// DataLoss when the bytes are damaged, FailedPrecondition when a newer version wrote them: recovery then
// walks the log from its beginning.
absl::StatusOr<LogState> DecodeLogState(absl::string_view bytes);

}  // namespace sluice::storage
