// Walks over all of a segment file, whatever stands in it: whole batches one by one, and between them the
// stretches that are none. Recovery stops at the first doubt; this goes on behind it, for whoever must find
// all damage (the scrubber, `log verify`) or save what is left (`log repair`).
//
//   SegmentWalk walk(file, {.base = base, .next = next, .size_bytes = size});
//   ASSIGN_OR_RETURN(auto step, walk.Next());   // until step.kind is kEnd
//
//   |[10,29]|[30,30]|  kNoBatch  |[45,60]| 0000 |
//                   ^ expected 31        ^ kRoom
//
// What no checksum covers is judged by what stands around it: the base offset by the batches before and
// behind, the leader epoch because it never falls. Thread-compatible; the file must outlive the walk. Memory:
// one buffer of 1 MiB, or the largest batch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "proto/base/ids.h"
#include "proto/record/batch_view.h"
#include "storage/disk/disk.h"
#include "storage/log/batch_reader.h"

namespace sluice::storage {

class SegmentWalk {
 public:
  struct Bounds {
    Offset base;                      // By its name.
    std::optional<Offset> next = {};  // Where the next segment begins, if there is one.
    uint64_t size_bytes = 0;          // Nothing behind it is looked at.
    LeaderEpoch epoch_min{0};         // Of the batch before this segment.
    Offset gaps_below{0};    // Batches that end at or before it may have gaps before them: compaction's.
    bool read_once = false;  // Leave the page cache as it is.
  };

  enum class Kind {
    kBatch,    // A whole batch, by its CRC.
    kNoBatch,  // Bytes that are no whole batch, up to the next one or the end.
    kRoom,     // Zeroes up to the end.
    kEnd,
  };
  enum class Fault {
    kNone,
    kBadBytes,     // kNoBatch.
    kWrongOffset,  // Its base offset is not what the batches around it say: `expected` is right.
    kGap,          // Offsets from `expected` on are missing before it.
    kMisplaced,    // It belongs elsewhere: its offsets are those of other batches.
    kEpochFell,    // Its leader epoch is below one before it.
  };

  struct Step {
    Kind kind = Kind::kEnd;
    Fault fault = Fault::kNone;
    uint64_t position = 0;
    uint64_t size_bytes = 0;
    Offset expected;             // The offset that should stand here.
    record::BatchView header{};  // kBatch; without its records. Valid until the next call.
    std::string reason = {};     // Of a fault.
    // A batch that cannot stay where it is, or no batch.
    bool is_damage() const { return fault == Fault::kBadBytes || fault == Fault::kMisplaced; }
  };

  SegmentWalk(File& file, const Bounds& bounds)
      : bounds_(bounds),
        reader_(file, bounds.size_bytes, BatchReader::kWhole, bounds.read_once),
        expected_(bounds.base),
        epoch_(bounds.epoch_min) {}

  absl::StatusOr<Step> Next();

  // One past the last offset seen in a batch that stands where it should.
  Offset expected() const { return expected_; }
  uint64_t position() const { return position_; }
  LeaderEpoch epoch() const { return epoch_; }
  // Reads the batch that the last step named, records included.
  absl::StatusOr<std::optional<record::BatchView>> Batch(uint64_t position) {
    return reader_.BatchAt(position);
  }

 private:
  absl::StatusOr<Step> TakeBatch();
  absl::StatusOr<Step> TakeStretch();
  absl::StatusOr<std::optional<Step>> TakeRoom();
  void Judge(Step* step, std::optional<Offset> follower) const;
  absl::StatusOr<std::optional<Offset>> OffsetBehind(uint64_t position);
  absl::StatusOr<uint64_t> EndOfStretch();
  absl::StatusOr<bool> IsTrueEnd(uint64_t end, Offset claimed_next);
  absl::StatusOr<bool> CouldFollow(uint64_t position);
  absl::StatusOr<std::string> WhyNoBatch();

  const Bounds bounds_;
  BatchReader reader_;
  uint64_t position_ = 0;
  Offset expected_;
  LeaderEpoch epoch_;
  bool after_damage_ = false;  // What is missing before the next batch has been told.
  uint64_t hashed_in_vain_ = 0;
};

}  // namespace sluice::storage
