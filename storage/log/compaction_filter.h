// What compaction leaves of one batch: Kafka's rules, applied to bytes in memory.
//
//   - A record goes when the map knows a later one of its key, or when it has no key.
//   - A tombstone (no value) goes once its batch's delete horizon has passed; a batch that is cleaned with
//     one for the first time is given its horizon: now + delete.retention.ms (KIP-534).
//   - A batch of which nothing is left goes, unless it is the last of its producer, whose sequence it tells
//     (KIP-98), or the last of its segment, whose end it tells.
//   - Control and transactional batches, and batches behind the cleaned range, stay as they are.
//   - A batch of which all stays is copied byte for byte.
//
// Thread-compatible; the map and the producers must outlive it.
#pragma once

#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "proto/base/bytes.h"
#include "proto/record/batch_rewriter.h"
#include "proto/record/batch_view.h"
#include "proto/record/compression.h"
#include "proto/record/record_view.h"
#include "storage/log/compaction_map.h"

namespace sluice::storage {

// The last offset of each producer's last batch.
using LastOffsets = absl::flat_hash_map<ProducerId, Offset>;

struct FilterRules {
  Offset end;  // The map speaks of records below it only.
  int64_t now_ms = 0;
  int64_t delete_retention_ms = 0;
};

class CompactionFilter {
 public:
  // What one batch may hold once decompressed: above any broker's message.max.bytes times a usual ratio.
  static constexpr size_t kDecompressedMax = 256u << 20;

  CompactionFilter(const CompactionMap& map, const LastOffsets& producers, const FilterRules& rules)
      : map_(map), producers_(producers), rules_(rules) {}

  struct Outcome {
    ByteView bytes;        // Empty: nothing stays. Valid until the next Apply, or as long as the batch.
    bool changed = false;  // Not the batch's own bytes.
    int64_t max_timestamp_ms = record::kNoTimestamp;
    int32_t records_kept = 0;
  };
  // `batch` is whole and its CRC was checked. `ends_segment`: it is the last of the new segment.
  absl::StatusOr<Outcome> Apply(record::BatchView batch, bool ends_segment);

 private:
  struct Survey {
    int32_t kept = 0;
    bool tombstones = false;  // Among those kept.
  };
  absl::StatusOr<Survey> Count(record::BatchView batch, ByteView records) const;
  absl::StatusOr<Outcome> Rewrite(record::BatchView batch, ByteView records, bool new_horizon);
  bool Keeps(record::BatchView batch, const record::RecordView& record) const;
  bool IsLastOfProducer(record::BatchView batch) const;

  const CompactionMap& map_;
  const LastOffsets& producers_;
  const FilterRules rules_;
  record::Decompressor decompressor_;
  record::BatchRewriter rewriter_;
  Bytes scratch_;
};

}  // namespace sluice::storage
