#include "client/internal/batch_split.h"

#include <utility>
#include <vector>

#include "proto/base/status_macros.h"
#include "proto/record/compression.h"
#include "proto/record/record_iterator.h"

namespace sluice::client_internal {
namespace {

// The first `first_count` records go to `first`, the others to `second`.
absl::Status CopyRecords(const Batch& batch, int32_t first_count, Batch* first, Batch* second) {
  const record::BatchView view(batch.bytes);
  Bytes scratch;
  ASSIGN_OR_RETURN(const ByteView records,
                   record::DecompressRecords(view, &scratch, batch.builder.EstimatedSize()));
  record::RecordIterator it(view, records);
  record::RecordView record;
  std::vector<record::Header> headers;
  for (int32_t i = 0; it.Next(&record); ++i) {
    headers.assign(record.headers.begin(), record.headers.end());
    record::BatchBuilder& to = (i < first_count ? first : second)->builder;
    RETURN_IF_ERROR(to.Append(record.timestamp_ms, record.key, record.value, headers));
  }
  return it.status();
}

void MoveCompletions(Batch& batch, int32_t first_count, Batch* first, Batch* second) {
  for (Completion& completion : batch.completions) {
    if (completion.record_index < first_count) {
      first->completions.push_back(std::move(completion));
    } else {
      completion.record_index -= first_count;
      second->completions.push_back(std::move(completion));
    }
  }
  batch.completions.clear();
}

void TakeOver(const Batch& batch, Batch* half) {
  half->partition = batch.partition;
  half->created = batch.created;
  half->sealed = true;
  half->sequenced = batch.sequenced;
  half->last_error = batch.last_error;
  half->ordinal_width = batch.ordinal_width / 2;
  if (batch.sequenced) {
    half->builder.SetProducer(batch.partition->producer_id, batch.partition->epoch, half->base_sequence, false);
  }
}

}  // namespace

bool CanSplit(const Batch& batch) {
  return batch.built && !batch.reported && batch.builder.record_count() > 1 && batch.ordinal_width > 1;
}

absl::Status SplitBatch(Batch& batch, Batch* first, Batch* second) {
  const int32_t first_count = batch.builder.record_count() / 2;
  RETURN_IF_ERROR(CopyRecords(batch, first_count, first, second));
  MoveCompletions(batch, first_count, first, second);
  first->ordinal = batch.ordinal;
  second->ordinal = batch.ordinal + batch.ordinal_width / 2;
  first->base_sequence = batch.base_sequence;
  second->base_sequence =
      batch.sequenced ? record::AdvanceSequence(batch.base_sequence, first_count) : batch.base_sequence;
  TakeOver(batch, first);
  TakeOver(batch, second);
  second->reserved_bytes = batch.reserved_bytes / 2;
  first->reserved_bytes = std::exchange(batch.reserved_bytes, 0) - second->reserved_bytes;
  for (const std::shared_ptr<FlushGroup>& flush : batch.flushes) {
    ++flush->batches_left;
  }
  first->flushes = batch.flushes;
  second->flushes = std::move(batch.flushes);
  batch.flushes.clear();
  return absl::OkStatus();
}

}  // namespace sluice::client_internal
