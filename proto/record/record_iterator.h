// Walks over the records of a batch without allocating. Every length is checked against the bytes that are
// there, so it may be pointed at anything.
//
//   RecordIterator it(batch, records);     // DecompressRecords (compression.h) gives `records`.
//   RecordView record;
//   while (it.Next(&record)) { ... }
//   RETURN_IF_ERROR(it.status());          // Did it end, or did it break off?
//
// Thread-compatible. The batch and the records must outlive the iterator and the views it gives.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "proto/base/bytes.h"
#include "proto/record/batch_view.h"
#include "proto/record/cursor.h"
#include "proto/record/record_view.h"

namespace sluice::record {

class RecordIterator {
 public:
  // `records`: all records of `batch`, decompressed.
  RecordIterator(BatchView batch, ByteView records);
  // For a batch that is not compressed.
  explicit RecordIterator(BatchView batch) : RecordIterator(batch, batch.records()) {}

  // False at the end and at the first fault; `record` is then unspecified.
  bool Next(RecordView* record);

  // OK while all is well and when all records were read to the last byte; else DataLoss.
  absl::Status status() const;

  // The record that Next gave last, as it lies, with its length before it.
  ByteView record_bytes() const { return record_bytes_; }

  // Records read so far.
  int32_t records_read() const { return count_ - remaining_; }

 private:
  bool Fail(const char* problem);
  bool AtEnd();
  bool ReadHeaders(Cursor* body, HeaderRange* headers);

  Cursor in_;
  ByteView record_bytes_;
  Offset base_offset_;
  int64_t base_timestamp_ = 0;
  bool log_append_time_ = false;
  int64_t max_timestamp_ = 0;
  int32_t count_ = 0;
  int32_t remaining_ = 0;
  const char* problem_ = nullptr;
};

}  // namespace sluice::record
