#include "storage/log/tail_check.h"

#include <cstring>
#include <optional>

#include "proto/base/endian.h"
#include "proto/base/status_macros.h"
#include "storage/log/batch_reader.h"

namespace sluice::storage {
namespace {

// A batch further ahead in offsets than this is not of this tail.
constexpr int64_t kOffsetsAheadMax = int64_t{1} << 31;

// Each byte equals the next and the first is zero: memcmp looks at 32 at a time, a loop that may stop does
// not.
bool IsZero(ByteView bytes) {
  return bytes.empty() ||
         (bytes[0] == std::byte{0} && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

absl::StatusOr<bool> IsZero(BatchReader& reader, uint64_t position, uint64_t size) {
  while (position < size) {
    ASSIGN_OR_RETURN(const ByteView bytes, reader.Peek(position, BatchReader::kWhole));
    if (bytes.empty()) {
      break;
    }
    if (!IsZero(bytes)) {
      return false;
    }
    position += bytes.size();
  }
  return true;
}

// Cheap enough to ask at every byte; the CRC decides.
bool MayBeBatch(ByteView bytes, Offset expected) {
  if (bytes[record::kMagicAt] != std::byte{record::kMagic} || !record::PeekBatchSize(bytes)) {
    return false;
  }
  const auto base = LoadBigEndian<int64_t>(bytes.data());
  return base >= expected.value() && base - expected.value() < kOffsetsAheadMax;
}

// The first whole batch at or after `position` that could follow in this log.
absl::StatusOr<std::optional<uint64_t>> FindBatch(BatchReader& reader, uint64_t position, uint64_t size,
                                                  Offset expected) {
  while (position + record::kHeaderSize <= size) {
    ASSIGN_OR_RETURN(const ByteView bytes, reader.Peek(position, BatchReader::kWhole));
    if (bytes.size() < record::kHeaderSize) {
      break;
    }
    const size_t candidates = bytes.size() - record::kHeaderSize + 1;
    size_t i = 0;
    while (i < candidates && !MayBeBatch(bytes.subspan(i), expected)) {
      ++i;
    }
    position += i;
    if (i == candidates) {
      continue;
    }
    ASSIGN_OR_RETURN(const std::optional<record::BatchView> batch, reader.BatchAt(position));
    if (batch && record::CrcMatches(*batch)) {
      return position;
    }
    ++position;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<TailVerdict> CheckTail(File& file, uint64_t position, uint64_t size, Offset expected) {
  BatchReader reader(file, size, BatchReader::kWhole);
  ASSIGN_OR_RETURN(const bool zero, IsZero(reader, position, size));
  if (zero) {
    return TailVerdict{};
  }
  ASSIGN_OR_RETURN(const std::optional<uint64_t> later, FindBatch(reader, position, size, expected));
  if (later) {
    return TailVerdict{TailVerdict::Kind::kDamaged, *later};
  }
  return TailVerdict{TailVerdict::Kind::kTorn, 0};
}

}  // namespace sluice::storage
