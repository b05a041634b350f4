// Reads one partition record by record: ranges of segment files are read into memory, their batches checked,
// decompressed and walked. For readers who cannot take batches as they lie.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/topic/partition.h"
#include "proto/base/bytes.h"
#include "proto/record/compression.h"
#include "proto/record/record_iterator.h"

namespace sluice::broker {

// One thread at a time. Next() may block on the disk.
class RecordReader {
 public:
  // A batch that decompresses to more than `decompressed_bytes_max` is not opened.
  RecordReader(std::shared_ptr<Partition> partition, Offset from, size_t decompressed_bytes_max)
      : partition_(std::move(partition)), decompressed_bytes_max_(decompressed_bytes_max), next_(from) {}

  enum class Step {
    kRecord,    // `record` is filled; it stays valid until the next call.
    kCaughtUp,  // Nothing is left before `limit`.
    kClosed,    // The log was deleted or closed.
  };
  // Records before `limit`. Errors: absl::OutOfRange when the log begins after the next offset or ends before
  // it; absl::DataLoss, naming file and byte; absl::ResourceExhausted for a batch that decompresses to too
  // much.
  absl::StatusOr<Step> Next(Offset limit, record::RecordView* record);

  // The offset of the next record that Next() may give.
  Offset next_offset() const { return next_; }

  // Gives memory back, for a wait of unknown length. Records given before die.
  void ReleaseMemory();

 private:
  // Either may leave nothing to walk: then there is another batch, or range, to ask for.
  absl::StatusOr<Step> ReadRange(Offset limit);
  absl::Status OpenBatch();
  absl::Status WithPlace(const absl::Status& status) const;

  const std::shared_ptr<Partition>
      partition_;  // Shared with the catalog, which may drop the topic meanwhile.
  const size_t decompressed_bytes_max_;
  Offset next_;
  storage::ReadCursor cursor_;

  Bytes range_bytes_;
  ByteView left_;  // Of range_bytes_: batches not opened yet.
  std::string path_;
  uint64_t range_position_ = 0;

  record::BatchView batch_;
  std::optional<record::RecordIterator> records_;  // Of batch_.
  record::Decompressor decompressor_;
  Bytes decompressed_;
};

}  // namespace sluice::broker
