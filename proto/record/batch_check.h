// Is this batch what it says it is? Two askers, two answers:
//  - the broker, before it takes a producer's batch: CheckProduced, whose BatchError maps to Kafka's error
//  codes;
//  - the storage, when it reads its own files again: VerifyCrc (batch_view.h) and ValidateStructure, which
//  allow
//    what only brokers write (control batches, batches thinned out by compaction).
// None of them allocates while all is well.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "proto/base/bytes.h"
#include "proto/record/batch_view.h"

namespace sluice::record {

class Decompressor;

// Which answer a sender gets. Clients send again after kCorrupt and give up after the others.
enum class ErrorClass {
  kCorrupt,                 // CORRUPT_MESSAGE (2)
  kTooLarge,                // MESSAGE_TOO_LARGE (10)
  kInvalidTimestamp,        // INVALID_TIMESTAMP (32)
  kUnsupportedFormat,       // UNSUPPORTED_FOR_MESSAGE_FORMAT (43)
  kUnsupportedCompression,  // UNSUPPORTED_COMPRESSION_TYPE (76)
  kInvalid,                 // INVALID_RECORD (87)
};
ErrorClass ClassOf(BatchError error);

struct BatchProblem {
  BatchError error = BatchError::kTooShort;
  std::string message;
  int32_t record_index = -1;  // Of the record to blame, for the response's RecordErrors; -1: the batch.

  ErrorClass error_class() const { return ClassOf(error); }
};

struct ProduceRules {
  size_t size_bytes_max = std::numeric_limits<int32_t>::max();  // max.message.bytes
  bool zstd_allowed = true;                                     // Not before Produce version 7.
  bool keys_required = false;                                   // The topic is compacted.
  bool verify_crc = true;
  // Compressed batches are opened only when this is above 0: it costs the broker what it costs a consumer,
  // and the records travel as they are in any case. Their keys and count are otherwise the sender's word.
  size_t decompressed_bytes_max = 0;
};

// Learnt while walking over the records.
struct RecordFacts {
  bool known = false;  // False for a compressed batch that was not opened.
  int64_t min_timestamp = kNoTimestamp;
  int64_t max_timestamp = kNoTimestamp;  // The true one: the header's may be unset or wrong.
  int32_t max_timestamp_delta = 0;       // The offset delta of the first record that has it.
};

// What is needed to open compressed batches: kept by the caller, so that memory is used again.
struct RecordOpener {
  Decompressor* decompressor = nullptr;
  Bytes* scratch = nullptr;
};

// `records` as a Produce request holds them for one partition: exactly one batch. Fills `batch` and `facts`
// when there is no problem. The base offset and the leader epoch are not looked at: the broker writes its
// own.
std::optional<BatchProblem> CheckProduced(ByteView records, const ProduceRules& rules, BatchView* batch,
                                          RecordFacts* facts, RecordOpener opener = {});

// The same for a batch already found.
std::optional<BatchProblem> CheckProducedBatch(BatchView batch, const ProduceRules& rules,
                                               RecordFacts* facts = nullptr, RecordOpener opener = {});

// The records of a compressed batch that CheckProduced did not open, once they are `records`.
std::optional<BatchProblem> CheckOpenedRecords(BatchView batch, ByteView records, bool keys_required,
                                               RecordFacts* facts);

// DataLoss when the header contradicts itself or the batch's size. Does not hash, and does not read the
// records.
absl::Status ValidateStructure(BatchView batch);

// Walks over all records of a batch that is not compressed: lengths, counts, and offset deltas from 0 to n-1.
absl::Status ValidateRecords(BatchView batch, RecordFacts* facts = nullptr);

}  // namespace sluice::record
