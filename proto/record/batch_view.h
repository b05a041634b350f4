// Reading one record batch where it lies: nothing is copied, nothing is owned, the bytes must outlive the
// view.
//
//   for (BatchParse parse = ParseBatch(bytes); parse.ok(); parse = ParseBatch(bytes)) {
//     Use(parse.batch);
//     bytes = bytes.subspan(parse.batch.size_bytes());
//   }                                              // parse.kind then tells a cut batch from a corrupt one.
//
// A view knows only that the length is right and the magic is 2. Everything else in it is the writer's claim
// until batch_check.h has looked.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "proto/base/bytes.h"
#include "proto/base/endian.h"
#include "proto/base/ids.h"
#include "proto/record/batch_format.h"

namespace sluice::record {

class BatchView {
 public:
  BatchView() = default;  // Empty: only to be assigned to.
  // `batch` is exactly one batch: at least its header. ParseBatch finds it in a longer buffer.
  explicit BatchView(ByteView batch);

  ByteView bytes() const { return bytes_; }
  size_t size_bytes() const { return bytes_.size(); }
  // The records as they lie: compressed when codec() is not kNone.
  ByteView records() const { return bytes_.subspan(kHeaderSize); }

  Offset base_offset() const { return Offset(Load<int64_t>(kBaseOffsetAt)); }
  Offset last_offset() const { return OffsetAt(last_offset_delta()); }
  // The offset that follows this batch. Compaction keeps it, even when it drops the last record.
  Offset next_offset() const { return OffsetAt(int64_t{last_offset_delta()} + 1); }

  // The offset `delta` after the base. Wraps instead of overflowing: a hostile header may claim any offset.
  Offset OffsetAt(int64_t delta) const {
    return Offset(
        static_cast<int64_t>(static_cast<uint64_t>(base_offset().value()) + static_cast<uint64_t>(delta)));
  }

  int32_t length() const { return Load<int32_t>(kLengthAt); }
  LeaderEpoch leader_epoch() const { return LeaderEpoch(Load<int32_t>(kLeaderEpochAt)); }
  int8_t magic() const { return Load<int8_t>(kMagicAt); }
  uint32_t crc() const { return Load<uint32_t>(kCrcAt); }

  int16_t attributes() const { return Load<int16_t>(kAttributesAt); }
  Codec codec() const { return static_cast<Codec>(attributes() & kCodecMask); }
  TimestampType timestamp_type() const {
    return Has(kLogAppendTimeBit) ? TimestampType::kLogAppendTime : TimestampType::kCreateTime;
  }
  bool is_compressed() const { return codec() != Codec::kNone; }
  bool is_transactional() const { return Has(kTransactionalBit); }
  bool is_control() const { return Has(kControlBit); }
  bool has_delete_horizon() const { return Has(kDeleteHorizonBit); }

  int32_t last_offset_delta() const { return Load<int32_t>(kLastOffsetDeltaAt); }
  int64_t base_timestamp() const { return Load<int64_t>(kBaseTimestampAt); }
  int64_t max_timestamp() const { return Load<int64_t>(kMaxTimestampAt); }
  int32_t record_count() const { return Load<int32_t>(kRecordCountAt); }

  ProducerId producer_id() const { return ProducerId(Load<int64_t>(kProducerIdAt)); }
  ProducerEpoch producer_epoch() const { return ProducerEpoch(Load<int16_t>(kProducerEpochAt)); }
  int32_t base_sequence() const { return Load<int32_t>(kBaseSequenceAt); }
  // kNoSequence when the batch carries none.
  int32_t last_sequence() const;
  bool has_producer() const { return producer_id().value() >= 0; }

 private:
  template <class T>
  T Load(size_t at) const {
    return LoadBigEndian<T>(bytes_.data() + at);
  }
  bool Has(int16_t bit) const { return (attributes() & bit) != 0; }

  ByteView bytes_;
};

// What is wrong with a batch. batch_check.h says which of these are corruption and which are the sender's
// fault.
enum class BatchError {
  kTooShort,       // Fewer bytes than its length field says.
  kBadLength,      // The length field is below the smallest batch.
  kBadMagic,       // A message format other than 2.
  kBadCrc,         // The bytes are not those that were hashed.
  kBadCount,       // The record count does not fit the offsets or the bytes.
  kBadAttributes,  // Bits that mean nothing, or that a producer may not set.
  kUnknownCodec,   // Codec 5, 6 or 7, or one that the request's version may not use.
  kBadProducer,    // Producer id, epoch and sequence contradict each other.
  kBadTimestamp,   // A producer claims LogAppendTime.
  kControlBatch,   // A producer sends a control batch.
  kBadOffset,      // A stored batch whose offsets are negative or overflow.
  kBadRecords,     // Records that do not parse, or do not number 0 to n-1.
  kNullKey,        // A record without a key where keys are required.
  kTooLarge,       // More bytes than allowed, as sent or once decompressed.
  kNotOneBatch,    // Something follows the batch where exactly one was expected.
};

struct BatchParse {
  enum class Kind {
    kBatch,       // `batch` is whole.
    kIncomplete,  // Nothing is wrong yet, but the buffer ends before the batch does.
    kCorrupt,     // `error` says why; no more bytes will help.
  };
  Kind kind = Kind::kIncomplete;
  BatchView batch{};
  BatchError error = BatchError::kTooShort;
  size_t size_bytes_needed = 0;  // kIncomplete: how long the buffer must be to tell more.

  bool ok() const { return kind == Kind::kBatch; }
};

// Looks at the batch at the front of `buffer`; what follows it is not looked at. An empty buffer is
// incomplete.
BatchParse ParseBatch(ByteView buffer);

// The size of the batch at the front of `buffer`, from its first 12 bytes, whole or not. Empty when fewer
// bytes are there, or when the length is one that no batch has (as in a zero-filled tail).
std::optional<size_t> PeekBatchSize(ByteView buffer);

// DataLoss when the CRC is not that of the bytes.
absl::Status VerifyCrc(BatchView batch);
bool CrcMatches(BatchView batch);

}  // namespace sluice::record
