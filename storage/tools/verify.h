// Reads all of a partition's segments and says what is wrong with them: every byte of every batch against its
// CRC, offsets within and across segments, sizes and entries against the index, the checkpoint against the
// log, and what stands behind the end. Changes nothing.
//
// Thread-compatible. Memory: 1 MiB or the largest batch, and the list of problems, which is bounded.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "storage/disk/disk.h"
#include "storage/index/index_reader.h"
#include "storage/log/segment_walk.h"
#include "storage/tools/log_files.h"

namespace sluice::storage {

struct Problem {
  enum class Kind {
    kDamage,      // Bytes that are no whole batch.
    kOffset,      // A whole batch that says a wrong offset, or stands where another belongs.
    kGap,         // Offsets are missing.
    kEpoch,       // A leader epoch below one before it.
    kTail,        // Something unfinished behind the end, although the broker stopped in order.
    kUnreadable,  // The disk failed to read it.
    kCheckpoint,  // The checkpoint speaks of what is not there.
    kIndex,       // The index contradicts the segment: `log index rebuild` puts that right.
  };
  Kind kind = Kind::kDamage;
  std::string file;
  uint64_t position = 0;
  Offset offset;  // The first that is concerned.
  std::string reason;
};
absl::string_view NameOf(Problem::Kind kind);

// What stands behind the last batch of the log.
enum class TailState {
  kClean,    // Nothing, or the zeroes of allocated room.
  kTorn,     // A batch that was not finished: the next start cuts it off.
  kDamaged,  // A later batch is whole, or the checkpoint says that more was there.
};
absl::string_view NameOf(TailState tail);

struct PartitionReport {
  // More are counted and not listed.
  static constexpr size_t kProblemsMax = 10'000;

  std::string name;
  size_t segments = 0;
  uint64_t batches = 0;
  uint64_t records = 0;
  uint64_t bytes = 0;  // Of whole batches.
  Offset first_offset;
  Offset next_offset;
  TailState tail = TailState::kClean;
  uint64_t tail_bytes = 0;  // Of what is torn there.
  uint64_t problem_count = 0;
  std::vector<Problem> problems;
  bool marked_damaged = false;

  void Add(Problem problem);
};

// Called often: at least each MiB of what is read.
struct Progress {
  const std::string& file;
  uint64_t bytes_done = 0;  // Of this partition...
  uint64_t bytes_total = 0;
};
using ProgressFunction = absl::FunctionRef<void(const Progress&)>;

struct VerifyInput {
  Disk& disk;
  const PartitionFiles& partition;
  IndexReader* index = nullptr;  // Null: there is none to compare with.
  bool clean = false;            // The broker stopped in order, so that nothing can be torn.
  std::optional<Offset> only_segment = {};
};
// An error only when the directory itself cannot be read; all else is in the report.
absl::StatusOr<PartitionReport> VerifyPartition(const VerifyInput& input, ProgressFunction progress);

}  // namespace sluice::storage
