#include "proto/record/batch_rewriter.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"
#include "proto/base/check.h"
#include "proto/base/crc32c.h"
#include "proto/base/endian.h"
#include "proto/base/status_macros.h"
#include "proto/base/varint.h"
#include "proto/record/cursor.h"

namespace sluice::record {
namespace {

constexpr size_t kBatchSizeMax = static_cast<size_t>(std::numeric_limits<int32_t>::max());

}  // namespace

void BatchRewriter::Begin(BatchView source, std::optional<int64_t> delete_horizon_ms) {
  source_ = source;
  delete_horizon_ms_ = source.has_delete_horizon() ? std::nullopt : delete_horizon_ms;
  plain_.resize(kHeaderSize);
  record_count_ = 0;
  max_timestamp_ms_ = kNoTimestamp;
}

void BatchRewriter::Keep(ByteView record, int64_t timestamp_ms) {
  ++record_count_;
  max_timestamp_ms_ = std::max(max_timestamp_ms_, timestamp_ms);
  if (delete_horizon_ms_) {
    KeepWithNewDelta(record, timestamp_ms);
  } else {
    plain_.insert(plain_.end(), record.begin(), record.end());
  }
}

// The delta is a varint, so the record's length may change with it.
void BatchRewriter::KeepWithNewDelta(ByteView record, int64_t timestamp_ms) {
  Cursor in(record);
  int32_t length;
  ByteView attributes;
  int64_t old_delta;
  CHECK(in.ReadInt32(&length) && in.ReadBytes(1, &attributes) && in.ReadInt64(&old_delta));
  const uint64_t delta = ZigZag64(
      static_cast<int64_t>(static_cast<uint64_t>(timestamp_ms) - static_cast<uint64_t>(*delete_horizon_ms_)));
  const ByteView rest(in.at, in.end);
  const size_t body_size = 1 + VarintSize(delta) + rest.size();
  const size_t start = plain_.size();
  plain_.resize(start + VarintSize(uint64_t{body_size} << 1) + body_size);
  std::byte* to = WriteVarint(plain_.data() + start, uint64_t{body_size} << 1);
  *to++ = attributes[0];
  to = WriteVarint(to, delta);
  std::memcpy(to, rest.data(), rest.size());
}

absl::StatusOr<ByteView> BatchRewriter::Finish() {
  MutableByteView batch = plain_;
  if (source_.is_compressed() && record_count_ > 0) {
    compressed_.resize(kHeaderSize);
    RETURN_IF_ERROR(compressor_.Compress(source_.codec(), kDefaultLevel,
                                         ByteView(plain_).subspan(kHeaderSize), &compressed_));
    batch = compressed_;
  }
  if (batch.size() > kBatchSizeMax) {
    return absl::InternalError(absl::StrCat("the batch at offset ", source_.base_offset().value(),
                                            " would grow to ", batch.size(), " bytes when rewritten, above ",
                                            "the format's ", kBatchSizeMax));
  }
  FillHeader(batch);
  return batch;
}

void BatchRewriter::FillHeader(MutableByteView batch) const {
  std::byte* const at = batch.data();
  std::memcpy(at, source_.bytes().data(), kHeaderSize);
  StoreBigEndian<int32_t>(at + kLengthAt, static_cast<int32_t>(batch.size() - kLengthPrefixSize));
  int attributes = source_.attributes();
  if (record_count_ == 0) {
    attributes &= ~(kCodecMask | kDeleteHorizonBit);
    StoreBigEndian<int64_t>(at + kBaseTimestampAt, kNoTimestamp);
    StoreBigEndian<int64_t>(at + kMaxTimestampAt, kNoTimestamp);
  } else {
    if (delete_horizon_ms_) {
      attributes |= kDeleteHorizonBit;
      StoreBigEndian<int64_t>(at + kBaseTimestampAt, *delete_horizon_ms_);
    }
    StoreBigEndian<int64_t>(at + kMaxTimestampAt, max_timestamp_ms_);
  }
  StoreBigEndian<int16_t>(at + kAttributesAt, static_cast<int16_t>(attributes));
  StoreBigEndian<int32_t>(at + kRecordCountAt, record_count_);
  StoreBigEndian<uint32_t>(at + kCrcAt, Crc32c(ByteView(batch).subspan(kCrcCoversFrom)));
}

}  // namespace sluice::record
