// What a log remembers of its idempotent producers (KIP-98): the last five batches of each, so that a retry
// is answered instead of written twice, and a gap is refused. Ids cost a client nothing, so the number of
// those remembered is bounded: the ones that were not used for longest are forgotten, and may then begin
// anywhere, as any producer that is not known. Thread-compatible; the log guards it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "proto/base/ids.h"
#include "proto/record/batch_view.h"

namespace sluice::storage {

// One batch that was appended.
struct ProducedBatch {
  int32_t first_sequence = 0;
  int32_t last_sequence = 0;
  Offset base_offset;
  Offset last_offset;
  int64_t log_append_time_ms = -1;

  friend bool operator==(const ProducedBatch&, const ProducedBatch&) = default;
};

// The memory of one producer. Five, because a client has at most five requests in flight.
struct ProducerEntry {
  static constexpr size_t kWindow = 5;

  ProducerEpoch epoch = kNoProducerEpoch;
  int64_t last_seen_ms = 0;
  size_t count = 0;
  std::array<ProducedBatch, kWindow> batches{};  // Oldest first; `count` of them.

  const ProducedBatch& last() const { return batches[count - 1]; }
  void Push(const ProducedBatch& batch);

  friend bool operator==(const ProducerEntry&, const ProducerEntry&) = default;
};

enum class ProducerVerdict { kAccept, kDuplicate, kOutOfOrderSequence, kInvalidEpoch };

class ProducerState {
 public:
  // Some 2.5 MB, and half a millisecond to copy for a checkpoint.
  static constexpr size_t kProducersMax = 10'000;

  struct Answer {
    ProducerVerdict verdict = ProducerVerdict::kAccept;
    ProducedBatch duplicate;  // kDuplicate: how it was appended the first time.
  };
  // Whether `batch` follows what its producer sent before. Changes nothing.
  Answer Check(const record::BatchView& batch) const;

  // `batch` was appended, its first record at `base`.
  void Update(const record::BatchView& batch, Offset base, int64_t log_append_time_ms, int64_t now_ms);

  // Forgets who was last seen then, or earlier.
  void Expire(int64_t last_seen_ms);

  using Map = absl::flat_hash_map<ProducerId, ProducerEntry>;
  const Map& entries() const { return entries_; }
  void Restore(ProducerId id, const ProducerEntry& entry) { EntryOf(id) = entry; }

 private:
  ProducerEntry& EntryOf(ProducerId id);
  void ForgetOldest();

  Map entries_;
};

}  // namespace sluice::storage
