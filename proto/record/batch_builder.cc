#include "proto/record/batch_builder.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"
#include "proto/base/check.h"
#include "proto/base/crc32c.h"
#include "proto/base/endian.h"
#include "proto/base/varint.h"

namespace sluice::record {
namespace {

constexpr size_t kBatchSizeMax = static_cast<size_t>(std::numeric_limits<int32_t>::max());
// Length, attributes, timestamp delta, offset delta, key length, value length and header count at their
// longest.
constexpr size_t kRecordOverheadMax = 5 * kVarint32SizeMax + 1 + kVarint64SizeMax;
constexpr size_t kHeaderOverheadMax = 2 * kVarint32SizeMax;

size_t SizeOf(std::optional<ByteView> field) {
  return field ? field->size() : 0;
}

// Lengths here are below kBatchSizeMax: Append has checked.
size_t LengthSize(size_t length) {
  return VarintSize(uint64_t{length} << 1);
}

size_t NullableSize(std::optional<ByteView> field) {
  return field ? LengthSize(field->size()) + field->size() : 1;
}

std::byte* WriteLength(std::byte* to, size_t length) {
  return WriteVarint(to, uint64_t{length} << 1);
}

std::byte* WriteBytes(std::byte* to, ByteView bytes) {
  to = WriteLength(to, bytes.size());
  if (!bytes.empty()) {
    std::memcpy(to, bytes.data(), bytes.size());
  }
  return to + bytes.size();
}

std::byte* WriteNullable(std::byte* to, std::optional<ByteView> field) {
  return field ? WriteBytes(to, *field) : WriteVarint(to, ZigZag32(-1));
}

size_t HeadersSize(std::span<const Header> headers) {
  size_t size = LengthSize(headers.size());
  for (const Header& header : headers) {
    size += LengthSize(header.key.size()) + header.key.size() + NullableSize(header.value);
  }
  return size;
}

}  // namespace

BatchBuilder::BatchBuilder(const BatchOptions& options) : options_(options) {}

size_t BatchBuilder::RecordSizeMax(std::optional<ByteView> key, std::optional<ByteView> value,
                                   std::span<const Header> headers) {
  size_t size = kRecordOverheadMax + SizeOf(key) + SizeOf(value);
  for (const Header& header : headers) {
    size += kHeaderOverheadMax + header.key.size() + SizeOf(header.value);
  }
  return size;
}

absl::Status BatchBuilder::Append(int64_t timestamp_ms, std::optional<ByteView> key,
                                  std::optional<ByteView> value, std::span<const Header> headers) {
  const size_t size_max = RecordSizeMax(key, value, headers);
  if (size_max > kBatchSizeMax - used_) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a record of up to ", size_max, " bytes does not fit a batch of ", used_, " bytes: a batch ends at ",
        kBatchSizeMax, " bytes; send the batch before, or split it"));
  }
  if (record_count_ == 0) {
    base_timestamp_ = timestamp_ms;
    max_timestamp_ = timestamp_ms;
  }
  max_timestamp_ = std::max(max_timestamp_, timestamp_ms);
  const uint64_t timestamp_delta = ZigZag64(
      static_cast<int64_t>(static_cast<uint64_t>(timestamp_ms) - static_cast<uint64_t>(base_timestamp_)));
  const uint64_t offset_delta = ZigZag32(record_count_);
  const size_t body_size = 1 + VarintSize(timestamp_delta) + VarintSize(offset_delta) + NullableSize(key) +
                           NullableSize(value) + HeadersSize(headers);
  const size_t record_size = LengthSize(body_size) + body_size;

  std::byte* const start = Grow(record_size);
  std::byte* to = WriteLength(start, body_size);
  *to++ = std::byte{0};  // Attributes.
  to = WriteVarint(to, timestamp_delta);
  to = WriteVarint(to, offset_delta);
  to = WriteNullable(to, key);
  to = WriteNullable(to, value);
  to = WriteLength(to, headers.size());
  for (const Header& header : headers) {
    to = WriteBytes(to, AsBytes(header.key));
    to = WriteNullable(to, header.value);
  }
  CHECK_EQ(static_cast<size_t>(to - start), record_size);
  ++record_count_;
  return absl::OkStatus();
}

std::byte* BatchBuilder::Grow(size_t bytes) {
  if (used_ + bytes > buffer_.size()) {
    buffer_.resize(std::max({used_ + bytes, 2 * buffer_.size(), size_t{1024}}));
  }
  std::byte* const at = buffer_.data() + used_;
  used_ += bytes;
  return at;
}

void BatchBuilder::SetProducer(ProducerId id, ProducerEpoch epoch, int32_t base_sequence,
                               bool transactional) {
  options_.producer_id = id;
  options_.producer_epoch = epoch;
  options_.base_sequence = base_sequence;
  options_.transactional = transactional;
}

absl::StatusOr<ByteView> BatchBuilder::Build() {
  if (record_count_ == 0) {
    return absl::FailedPreconditionError("a batch without records cannot be built: append one first");
  }
  MutableByteView batch = MutableByteView(buffer_).first(used_);
  if (options_.codec != Codec::kNone) {
    compressed_.resize(kHeaderSize);
    const absl::Status status =
        compressor_.Compress(options_.codec, options_.level, batch.subspan(kHeaderSize), &compressed_);
    if (!status.ok()) {
      return status;
    }
    batch = compressed_;
  }
  if (batch.size() > kBatchSizeMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("the batch compressed to ", batch.size(), " bytes, above the format's ", kBatchSizeMax));
  }
  FillHeader(batch);
  return batch;
}

int16_t BatchBuilder::Attributes() const {
  int attributes = static_cast<int>(options_.codec);
  attributes |= options_.timestamp_type == TimestampType::kLogAppendTime ? kLogAppendTimeBit : 0;
  attributes |= options_.transactional ? kTransactionalBit : 0;
  attributes |= options_.control ? kControlBit : 0;
  return static_cast<int16_t>(attributes);
}

void BatchBuilder::FillHeader(MutableByteView batch) const {
  std::byte* const at = batch.data();
  StoreBigEndian<int64_t>(at + kBaseOffsetAt, options_.base_offset.value());
  StoreBigEndian<int32_t>(at + kLengthAt, static_cast<int32_t>(batch.size() - kLengthPrefixSize));
  StoreBigEndian<int32_t>(at + kLeaderEpochAt, options_.leader_epoch.value());
  StoreBigEndian<int8_t>(at + kMagicAt, kMagic);
  StoreBigEndian<int16_t>(at + kAttributesAt, Attributes());
  StoreBigEndian<int32_t>(at + kLastOffsetDeltaAt, record_count_ - 1);
  StoreBigEndian<int64_t>(at + kBaseTimestampAt, base_timestamp_);
  StoreBigEndian<int64_t>(at + kMaxTimestampAt, max_timestamp_);
  StoreBigEndian<int64_t>(at + kProducerIdAt, options_.producer_id.value());
  StoreBigEndian<int16_t>(at + kProducerEpochAt, options_.producer_epoch.value());
  StoreBigEndian<int32_t>(at + kBaseSequenceAt, options_.base_sequence);
  StoreBigEndian<int32_t>(at + kRecordCountAt, record_count_);
  StoreBigEndian<uint32_t>(at + kCrcAt, Crc32c(batch.subspan(kCrcCoversFrom)));
}

void BatchBuilder::Reset() {
  used_ = kHeaderSize;
  record_count_ = 0;
  base_timestamp_ = kNoTimestamp;
  max_timestamp_ = kNoTimestamp;
}

void BatchBuilder::Reset(const BatchOptions& options) {
  options_ = options;
  Reset();
}

}  // namespace sluice::record
