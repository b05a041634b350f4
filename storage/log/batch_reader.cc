#include "storage/log/batch_reader.h"

#include <algorithm>
#include <utility>

#include "proto/base/crc32c.h"
#include "proto/base/status_macros.h"

namespace sluice::storage {

absl::StatusOr<ByteView> BatchReader::Peek(uint64_t position, size_t size) {
  if (position >= end_) {
    return ByteView();
  }
  size = static_cast<size_t>(std::min<uint64_t>(size, end_ - position));
  if (position < at_ || position + size > at_ + filled_) {
    const size_t wanted =
        static_cast<size_t>(std::min<uint64_t>(std::max(size, read_ahead_), end_ - position));
    if (buffer_.size() < wanted) {
      buffer_.resize(wanted);
    }
    at_ = position;
    filled_ = 0;
    const MutableByteView into = MutableByteView(buffer_).first(wanted);
    ASSIGN_OR_RETURN(filled_, read_once_ ? file_.ReadOnce(position, into) : file_.ReadAt(position, into));
  }
  const size_t from = static_cast<size_t>(position - at_);
  return ByteView(buffer_).subspan(from, std::min(size, filled_ - from));
}

absl::StatusOr<std::optional<record::BatchView>> BatchReader::HeaderAt(uint64_t position) {
  ASSIGN_OR_RETURN(const ByteView bytes, Peek(position, record::kHeaderSize));
  const std::optional<size_t> size = record::PeekBatchSize(bytes);
  if (bytes.size() < record::kHeaderSize || !size || *size > end_ - position) {
    return std::nullopt;
  }
  const record::BatchView header(bytes);
  return header.magic() == record::kMagic ? std::optional(header) : std::nullopt;
}

absl::StatusOr<std::optional<record::BatchView>> BatchReader::BatchAt(uint64_t position) {
  ASSIGN_OR_RETURN(const std::optional<record::BatchView> header, HeaderAt(position));
  if (!header) {
    return std::nullopt;
  }
  const auto size = static_cast<size_t>(StoredSize(*header));
  ASSIGN_OR_RETURN(const ByteView bytes, Peek(position, size));
  return bytes.size() == size ? std::optional(record::BatchView(bytes)) : std::nullopt;
}

absl::StatusOr<bool> BatchReader::IsWholeAt(uint64_t position) {
  ASSIGN_OR_RETURN(const std::optional<record::BatchView> header, HeaderAt(position));
  if (!header) {
    return false;
  }
  const uint32_t wanted = header->crc();
  const uint64_t end = position + StoredSize(*header);
  uint32_t crc = Crc32c({});
  size_t skipped = record::kCrcCoversFrom;
  while (position < end) {
    const auto size = static_cast<size_t>(std::min<uint64_t>(kWhole, end - position));
    ASSIGN_OR_RETURN(const ByteView bytes, Peek(position, size));
    if (bytes.size() < size) {
      return false;
    }
    crc = ExtendCrc32c(crc, bytes.subspan(std::exchange(skipped, 0)));
    position += size;
  }
  return crc == wanted;
}

}  // namespace sluice::storage
