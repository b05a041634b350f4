#include "proto/record/batch_view.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "proto/base/check.h"
#include "proto/base/crc32c.h"

namespace sluice::record {
namespace {

constexpr int32_t kLengthMin = static_cast<int32_t>(kHeaderSize - kLengthPrefixSize);

uint32_t ComputeCrc(BatchView batch) {
  return Crc32c(batch.bytes().subspan(kCrcCoversFrom));
}

BatchParse Incomplete(size_t size_bytes_needed) {
  return {.kind = BatchParse::Kind::kIncomplete, .size_bytes_needed = size_bytes_needed};
}

BatchParse Corrupt(BatchError error) {
  return {.kind = BatchParse::Kind::kCorrupt, .error = error};
}

}  // namespace

BatchView::BatchView(ByteView batch) : bytes_(batch) {
  CHECK_GE(batch.size(), kHeaderSize);
}

int32_t BatchView::last_sequence() const {
  if (base_sequence() < 0 || last_offset_delta() < 0) {
    return kNoSequence;
  }
  return AdvanceSequence(base_sequence(), last_offset_delta());
}

BatchParse ParseBatch(ByteView buffer) {
  if (buffer.size() < kLengthPrefixSize) {
    return Incomplete(kLengthPrefixSize);
  }
  // The magic byte stands at the same place in all versions of the format, and older messages are shorter
  // than our header: asked first, it names an old client for what it is.
  if (buffer.size() > kMagicAt && LoadBigEndian<int8_t>(buffer.data() + kMagicAt) != kMagic) {
    const bool all_zero_length = LoadBigEndian<int32_t>(buffer.data() + kLengthAt) == 0;
    return Corrupt(all_zero_length ? BatchError::kBadLength : BatchError::kBadMagic);
  }
  const std::optional<size_t> size = PeekBatchSize(buffer);
  if (!size) {
    return Corrupt(BatchError::kBadLength);
  }
  if (buffer.size() < *size) {
    return Incomplete(*size);
  }
  return {.kind = BatchParse::Kind::kBatch, .batch = BatchView(buffer.first(*size))};
}

std::optional<size_t> PeekBatchSize(ByteView buffer) {
  if (buffer.size() < kLengthPrefixSize) {
    return std::nullopt;
  }
  const auto length = LoadBigEndian<int32_t>(buffer.data() + kLengthAt);
  if (length < kLengthMin) {
    return std::nullopt;
  }
  return kLengthPrefixSize + static_cast<size_t>(length);
}

bool CrcMatches(BatchView batch) {
  return ComputeCrc(batch) == batch.crc();
}

absl::Status VerifyCrc(BatchView batch) {
  const uint32_t computed = ComputeCrc(batch);
  if (computed == batch.crc()) {
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrFormat(
      "record batch at offset %d, %d bytes: CRC-32C is %08x, its header says %08x: the bytes were damaged "
      "after they were hashed",
      batch.base_offset().value(), batch.size_bytes(), computed, batch.crc()));
}

}  // namespace sluice::record
