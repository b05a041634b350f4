// Makes the batch that compaction leaves of another: some of its records, at the offsets and with the times
// they had.
//
//   rewriter.Begin(batch, delete_horizon_ms);
//   while (it.Next(&record)) {
//     if (stays) rewriter.Keep(it.record_bytes(), record.timestamp_ms);
//   }
//   ASSIGN_OR_RETURN(ByteView thinned, rewriter.Finish());   // Valid until the next Begin.
//
// As in Kafka, base offset, last offset delta, producer, sequence, leader epoch and codec stay those of the
// original; the count and the largest timestamp are of what is left. With no record left it is a header: it
// still tells what its producer sent last, and where the log ends. A delete horizon (KIP-534) takes the place
// of the base timestamp, and the records' times count from it.
//
// Thread-compatible.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "proto/base/bytes.h"
#include "proto/record/batch_view.h"
#include "proto/record/compression.h"

namespace sluice::record {

class BatchRewriter {
 public:
  // `source` outlives Finish(). `delete_horizon_ms`: one to set; a batch that has one keeps it.
  void Begin(BatchView source, std::optional<int64_t> delete_horizon_ms);
  // `record` is one of the source's as it lies (RecordIterator::record_bytes), decompressed.
  void Keep(ByteView record, int64_t timestamp_ms);
  absl::StatusOr<ByteView> Finish();

  int32_t record_count() const { return record_count_; }
  // Of the records that were kept; kNoTimestamp for none.
  int64_t max_timestamp_ms() const { return max_timestamp_ms_; }

 private:
  void KeepWithNewDelta(ByteView record, int64_t timestamp_ms);
  void FillHeader(MutableByteView batch) const;

  BatchView source_;
  std::optional<int64_t> delete_horizon_ms_;
  Bytes plain_;  // Room for the header, then the records.
  Bytes compressed_;
  Compressor compressor_;
  int32_t record_count_ = 0;
  int64_t max_timestamp_ms_ = kNoTimestamp;
};

}  // namespace sluice::record
