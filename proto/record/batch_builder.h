// Builds one record batch, record by record, in memory that it keeps from batch to batch: a payload is copied
// once, and nothing is allocated per record.
//
//   BatchBuilder builder({.codec = Codec::kLz4});
//   RETURN_IF_ERROR(builder.Append(now_ms, AsBytes("key"), AsBytes("value")));
//   ASSIGN_OR_RETURN(ByteView batch, builder.Build());   // Valid until the builder changes.
//   builder.Reset();
//
// Thread-compatible.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/record/batch_format.h"
#include "proto/record/compression.h"
#include "proto/record/record_view.h"

namespace sluice::record {

struct BatchOptions {
  Codec codec = Codec::kNone;
  int level = kDefaultLevel;
  ProducerId producer_id = kNoProducerId;
  ProducerEpoch producer_epoch = kNoProducerEpoch;
  int32_t base_sequence = kNoSequence;
  bool transactional = false;
  bool control = false;
  Offset base_offset{0};  // Brokers assign their own.
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  TimestampType timestamp_type = TimestampType::kCreateTime;
};

class BatchBuilder {
 public:
  explicit BatchBuilder(const BatchOptions& options = {});

  // InvalidArgument when the batch would pass 2 GiB, the format's end; the batch is then unchanged.
  absl::Status Append(int64_t timestamp_ms, std::optional<ByteView> key, std::optional<ByteView> value,
                      std::span<const Header> headers = {});

  int32_t record_count() const { return record_count_; }
  bool empty() const { return record_count_ == 0; }
  // The batch's size so far, before compression.
  size_t EstimatedSize() const { return used_; }
  // How much Append may add for such a record, at most: to ask before it is too late.
  static size_t RecordSizeMax(std::optional<ByteView> key, std::optional<ByteView> value,
                              std::span<const Header> headers = {});

  // A producer learns these only when it sends. To be called before Build.
  void SetProducer(ProducerId id, ProducerEpoch epoch, int32_t base_sequence, bool transactional);

  // Compresses, fills the header, hashes. The bytes are the builder's and stay until it changes. May be
  // called again, after more records too. FailedPrecondition when there are no records.
  absl::StatusOr<ByteView> Build();

  // Back to no records; the options and the memory stay.
  void Reset();
  void Reset(const BatchOptions& options);

 private:
  std::byte* Grow(size_t bytes);
  void FillHeader(MutableByteView batch) const;
  int16_t Attributes() const;

  BatchOptions options_;
  Compressor compressor_;
  Bytes buffer_;  // Room for the header, then the records. Its size is capacity; used_ counts.
  size_t used_ = kHeaderSize;
  Bytes compressed_;
  int32_t record_count_ = 0;
  int64_t base_timestamp_ = kNoTimestamp;
  int64_t max_timestamp_ = kNoTimestamp;
};

}  // namespace sluice::record
