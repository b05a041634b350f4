// Reads batches out of a segment file, from wherever one starts.
//
//   BatchReader reader(file, end, BatchReader::kHeaders);
//   ASSIGN_OR_RETURN(std::optional<BatchView> header, reader.HeaderAt(position));
//
// One small buffer serves all headers that lie close together; large batches cost one small read each.
// Thread-compatible. A view is valid until the next call.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "proto/base/bytes.h"
#include "proto/record/batch_view.h"
#include "storage/disk/disk.h"

namespace sluice::storage {

class BatchReader {
 public:
  // How much is read ahead at least.
  static constexpr size_t kHeaders = 4096;    // Hopping from header to header.
  static constexpr size_t kWhole = 1u << 20;  // Reading everything.

  // Bytes at or after `end` are never looked at. `read_once`: what was not in the page cache does not stay.
  BatchReader(File& file, uint64_t end, size_t read_ahead, bool read_once = false)
      : file_(file), end_(end), read_ahead_(read_ahead), read_once_(read_once) {}

  // Bytes [position, position + size), fewer at the end of what there is.
  absl::StatusOr<ByteView> Peek(uint64_t position, size_t size);

  // The header of the batch at `position`; its records are not there. Its size (StoredSize) is checked to end
  // by `end`, its CRC is not. Empty when no whole batch stands there.
  absl::StatusOr<std::optional<record::BatchView>> HeaderAt(uint64_t position);
  // The whole batch at `position`.
  absl::StatusOr<std::optional<record::BatchView>> BatchAt(uint64_t position);
  // Whether a whole batch stands there, by its CRC. Piece by piece: the size is a claim of the bytes, and may
  // be as large as the file.
  absl::StatusOr<bool> IsWholeAt(uint64_t position);

 private:
  File& file_;
  const uint64_t end_;
  const size_t read_ahead_;
  const bool read_once_;
  Bytes buffer_;  // Bytes [at_, at_ + filled_) of the file.
  uint64_t at_ = 0;
  size_t filled_ = 0;
};

// The size of the batch that `header` begins, records included.
inline uint64_t StoredSize(const record::BatchView& header) {
  return record::kLengthPrefixSize + static_cast<uint64_t>(header.length());
}

}  // namespace sluice::storage
