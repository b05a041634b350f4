// Control batches: one record, written by the broker, that ends a transaction in a partition. Its key says
// commit or abort, its value carries the epoch of the coordinator that decided. Consumers skip them.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/record/batch_view.h"
#include "proto/record/record_view.h"

namespace sluice::record {

// Other numbers exist in KRaft's own log; they end no transaction.
enum class ControlType : int16_t { kAbort = 0, kCommit = 1 };

struct EndTxnMarker {
  ControlType type = ControlType::kAbort;
  int32_t coordinator_epoch = 0;

  friend bool operator==(const EndTxnMarker&, const EndTxnMarker&) = default;
};

struct EndTxnBatch {
  ProducerId producer_id{};
  ProducerEpoch producer_epoch{};
  EndTxnMarker marker{};
  int64_t timestamp_ms = 0;
};

// A whole control batch, ready to be given an offset and appended.
Bytes BuildEndTxnBatch(const EndTxnBatch& batch);

// DataLoss for a batch that is not a control batch, or whose record is not such a marker.
absl::StatusOr<EndTxnMarker> ParseEndTxnBatch(BatchView batch);
absl::StatusOr<EndTxnMarker> ParseEndTxnMarker(const RecordView& record);

}  // namespace sluice::record
