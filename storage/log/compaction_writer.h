// Writes the segment that takes the place of others: batches one behind the other, in large writes, and what
// the index is to know of them.
//
// One thread. The file is the caller's, empty, and outlives the writer.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "proto/base/bytes.h"
#include "proto/record/batch_format.h"
#include "proto/record/batch_view.h"
#include "storage/disk/disk.h"
#include "storage/index/offset_index.h"

namespace sluice::storage {

class CompactionWriter {
 public:
  CompactionWriter(File& file, Offset base, int64_t index_interval_bytes)
      : file_(file), base_(base), index_interval_bytes_(index_interval_bytes) {}

  absl::Status Add(ByteView batch, int64_t max_timestamp_ms);
  // What is still buffered, then all of it to the disk.
  absl::Status Finish();

  uint64_t size_bytes() const { return written_ + buffer_.size(); }
  int64_t max_timestamp_ms() const { return max_timestamp_ms_; }
  const std::vector<OffsetEntry>& entries() const { return entries_; }

 private:
  static constexpr size_t kBufferBytes = 1u << 20;

  absl::Status WriteOut();

  File& file_;
  const Offset base_;
  const int64_t index_interval_bytes_;
  Bytes buffer_;
  uint64_t written_ = 0;
  uint64_t bytes_since_entry_ = 0;
  int64_t max_timestamp_ms_ = record::kNoTimestamp;
  std::vector<OffsetEntry> entries_;
};

}  // namespace sluice::storage
