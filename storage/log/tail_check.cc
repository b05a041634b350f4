#include "storage/log/tail_check.h"

#include <cstring>
#include <optional>
#include <vector>

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

// Where anything but zeroes may be, in pieces of what is read at once: what was allocated and never written
// is not read. Asked before any of it is read, because what the kernel has in memory then, it calls data.
std::vector<uint64_t> PiecesWithData(File& file, uint64_t position, uint64_t size) {
  std::vector<uint64_t> pieces;
  while ((position = file.NextData(position)) < size) {
    pieces.push_back(position);
    position += BatchReader::kWhole;
  }
  return pieces;
}

absl::StatusOr<bool> IsZero(File& file, BatchReader& reader, uint64_t position, uint64_t size) {
  for (const uint64_t piece : PiecesWithData(file, position, size)) {
    ASSIGN_OR_RETURN(const ByteView bytes, reader.Peek(piece, BatchReader::kWhole));
    if (!IsZero(bytes)) {
      return false;
    }
  }
  return true;
}

// Cheap enough to ask at every byte; the CRC decides.
bool MayBeBatch(ByteView bytes, const TailExpectation& expected) {
  if (bytes[record::kMagicAt] != std::byte{record::kMagic} || !record::PeekBatchSize(bytes)) {
    return false;
  }
  const record::BatchView header(bytes.first(record::kHeaderSize));
  const int64_t base = header.base_offset().value();
  return base >= expected.offset.value() && base - expected.offset.value() < kOffsetsAheadMax &&
         header.leader_epoch() >= expected.epoch_min;
}

// How many bytes of `bytes` begin no batch.
size_t CountUnlikely(ByteView bytes, const TailExpectation& expected) {
  const size_t candidates = bytes.size() - record::kHeaderSize + 1;
  size_t count = 0;
  while (count < candidates && !MayBeBatch(bytes.subspan(count), expected)) {
    ++count;
  }
  return count;
}

// The first whole batch at or after `position` that could follow in this log. A header whose batch is not
// whole is a damaged batch, and the search goes on behind it: so each byte is hashed once at most.
absl::StatusOr<std::optional<uint64_t>> FindBatch(BatchReader& reader, uint64_t position, uint64_t size,
                                                  const TailExpectation& expected) {
  while (position + record::kHeaderSize <= size) {
    ASSIGN_OR_RETURN(const ByteView bytes, reader.Peek(position, BatchReader::kWhole));
    if (bytes.size() < record::kHeaderSize) {
      break;
    }
    const size_t unlikely = CountUnlikely(bytes, expected);
    position += unlikely;
    if (unlikely + record::kHeaderSize > bytes.size()) {
      continue;
    }
    ASSIGN_OR_RETURN(const std::optional<record::BatchView> header, reader.HeaderAt(position));
    const uint64_t claimed = header ? StoredSize(*header) : 1;
    ASSIGN_OR_RETURN(const bool whole, reader.IsWholeAt(position));
    if (whole) {
      return position;
    }
    position += claimed;
  }
  return std::nullopt;
}

// The first byte that is not part of the batch at `position`, as far as its header tells. What lies in it are
// records: they may hold whole batches of another log, and do if they are the bytes of a segment file. The
// offset in that header tells nothing, because it may be the producer's.
absl::StatusOr<uint64_t> EndOfUnfinished(BatchReader& reader, uint64_t position) {
  ASSIGN_OR_RETURN(const std::optional<record::BatchView> header, reader.HeaderAt(position));
  return header ? position + StoredSize(*header) : position;
}

// A batch may be whole and still not follow here: batches before it are missing then.
absl::StatusOr<bool> IsBatchOfLog(BatchReader& reader, uint64_t position, const TailExpectation& expected) {
  ASSIGN_OR_RETURN(const ByteView bytes, reader.Peek(position, record::kHeaderSize));
  if (bytes.size() < record::kHeaderSize || !MayBeBatch(bytes, expected)) {
    return false;
  }
  return reader.IsWholeAt(position);
}

}  // namespace

absl::StatusOr<TailVerdict> CheckTail(File& file, uint64_t position, uint64_t size,
                                      const TailExpectation& expected) {
  BatchReader reader(file, size, BatchReader::kWhole);
  ASSIGN_OR_RETURN(const bool zero, IsZero(file, reader, position, size));
  if (zero) {
    return TailVerdict{};
  }
  ASSIGN_OR_RETURN(const bool ahead, IsBatchOfLog(reader, position, expected));
  if (ahead) {
    return TailVerdict{TailVerdict::Kind::kDamaged, position};
  }
  ASSIGN_OR_RETURN(const uint64_t from, EndOfUnfinished(reader, position));
  ASSIGN_OR_RETURN(const std::optional<uint64_t> later, FindBatch(reader, from, size, expected));
  if (later) {
    return TailVerdict{TailVerdict::Kind::kDamaged, *later};
  }
  return TailVerdict{TailVerdict::Kind::kTorn, 0};
}

}  // namespace sluice::storage
