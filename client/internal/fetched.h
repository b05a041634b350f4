// What a Poll returned, and the walk over it. See FetchedRecords.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/internal/buffer_pool.h"
#include "proto/record/batch_view.h"
#include "proto/record/compression.h"
#include "proto/record/record_iterator.h"
#include "sluice/record.h"

namespace sluice::client_internal {

// A partition's share of an answer: whole batches, one behind the other.
struct FetchedSlice {
  std::shared_ptr<const std::string> topic;  // Shared with the consumer's partition and others' slices.
  int32_t partition = 0;
  int64_t first_offset = 0;  // Records before it were not asked for: a batch always comes whole.
  ByteView bytes;            // In the buffer of the answer.
};

struct OpenOptions {
  bool check_crcs = true;
  size_t decompressed_bytes_max = 0;
};

// Written while it is filled, by one thread; constant ever after.
class FetchedData {
 public:
  explicit FetchedData(std::shared_ptr<const Buffer> buffer) : buffer_(std::move(buffer)) {}

  // How far a slice was taken in.
  struct Progress {
    int64_t next_offset = 0;
    int32_t leader_epoch = -1;  // Of the last batch; -1: none.
  };

  // Checks, decompresses and takes in the batches of a slice. After an error those before the bad one are in,
  // and `progress` tells of them.
  absl::Status Add(const FetchedSlice& slice, const OpenOptions& options, record::Decompressor& decompressor,
                   Progress* progress);

  size_t record_count() const { return record_count_; }
  size_t size_bytes() const { return size_bytes_; }

 private:
  friend class FetchedCursor;

  // One batch with at least one record that was asked for.
  struct Chunk {
    std::shared_ptr<const std::string> topic;
    int32_t partition;
    int64_t first_offset;
    record::BatchView batch;
    ByteView records;  // In the buffer, or in one of decompressed_.
  };

  absl::Status AddBatch(const FetchedSlice& slice, record::BatchView batch, const OpenOptions& options,
                        record::Decompressor& decompressor);

  const std::shared_ptr<const Buffer> buffer_;  // Shared with other answers that were received into it.
  std::vector<Bytes> decompressed_;
  std::vector<Chunk> chunks_;
  size_t record_count_ = 0;
  size_t size_bytes_ = 0;
};

// Thread-compatible. The data must outlive it.
class FetchedCursor {
 public:
  explicit FetchedCursor(const FetchedData& data) : data_(data) {}
  bool Next(RecordView* record);

 private:
  const FetchedData& data_;
  size_t next_chunk_ = 0;
  std::optional<record::RecordIterator> records_;
};

}  // namespace sluice::client_internal
