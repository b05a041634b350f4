#include "storage/log/compaction_writer.h"

#include <algorithm>

#include "proto/base/status_macros.h"

namespace sluice::storage {

absl::Status CompactionWriter::Add(ByteView batch, int64_t max_timestamp_ms) {
  if (bytes_since_entry_ >= static_cast<uint64_t>(index_interval_bytes_)) {
    bytes_since_entry_ = 0;
    entries_.push_back({record::BatchView(batch).base_offset(), base_, size_bytes()});
  }
  bytes_since_entry_ += batch.size();
  max_timestamp_ms_ = std::max(max_timestamp_ms_, max_timestamp_ms);
  buffer_.insert(buffer_.end(), batch.begin(), batch.end());
  return buffer_.size() < kBufferBytes ? absl::OkStatus() : WriteOut();
}

absl::Status CompactionWriter::WriteOut() {
  RETURN_IF_ERROR(file_.WriteAt(written_, buffer_));
  RETURN_IF_ERROR(file_.StartWriteback(written_, buffer_.size()));
  written_ += buffer_.size();
  buffer_.clear();
  return absl::OkStatus();
}

absl::Status CompactionWriter::Finish() {
  RETURN_IF_ERROR(WriteOut());
  return file_.Sync();
}

}  // namespace sluice::storage
