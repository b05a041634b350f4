// Makes two batches of one that the broker finds too large: it counts the bytes after compression, and knows
// the topic's limit, which the producer does not.
//
//   {0 1 2 3 4} seq 40  ->  {0 1} seq 40, {2 3 4} seq 42     Sequences, callbacks and order stay.
#pragma once

#include "absl/status/status.h"
#include "client/internal/batch.h"

namespace sluice::client_internal {

// Whether there are two halves to make, and places for them in the queue.
bool CanSplit(const Batch& batch);

// Moves everything of `batch` (built, at least two records) into `first` and `second`, which are fresh ones
// with its options. The halves share its memory reservation, and every Flush that waited for it waits for both.
// An error leaves `batch` whole.
absl::Status SplitBatch(Batch& batch, Batch* first, Batch* second);

}  // namespace sluice::client_internal
