// The files of the journal: a ring that blocks are appended to, one sync each, and that is written over once
// the segments hold what its oldest blocks hold.
//
//   DIR/00.journal  |41|42|43|44|.. old ..|     DIR/01.journal  |29|30|31|32|33|34|     DIR/02.journal ...
//                               ^ next block                     ^ needed from here, or nothing of it
//
// The files are written with zeroes once, when they are made, and never grow: a sync then carries data alone,
// no metadata of the file system. Which of the files comes next does not matter: blocks are numbered.
//
// Threads: one appends (Append); another one may grow and release meanwhile.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "storage/disk/disk.h"
#include "storage/journal/block.h"

namespace sluice::storage {

class JournalRing {
 public:
  struct Options {
    std::string directory;
    uint64_t bytes = 256ull << 20;  // Of all files together; two files at the least.
    Uuid journal_id;                // Never used before.
  };

  // Takes over the directory (made if need be) and its files; what they hold must not be needed any more: a
  // new journal begins, and that is durable when it returns. absl::ResourceExhausted: no space for its first
  // files.
  static absl::StatusOr<std::unique_ptr<JournalRing>> Open(Disk& disk, const Options& options);

  // Whether a block of that size finds room now. One of block_bytes_max() always does once enough was
  // released.
  bool HasRoom(uint64_t block_size) const;
  const Uuid& journal_id() const { return options_.journal_id; }
  uint64_t block_bytes_max() const { return file_bytes_ - kBlockAlignment; }

  // Needs HasRoom. Durable when it returns; an error is final. The data of the entries, in order.
  absl::Status Append(std::span<const JournalEntry> entries, std::span<const ByteView> data);

  // The sequence of the last block.
  uint64_t last_sequence() const;
  // The segments durably hold everything up to block `through`: its space may be used again.
  void Release(uint64_t through);

  // One more file, written once, if there may be one. False when there may not.
  absl::StatusOr<bool> Grow();
  // No file is free to go on in: a good time to Grow...
  bool wants_file() const;
  // ... or else to release something.
  bool has_free_file() const;
  // So much of what the ring may take in all is in use: beyond a half, release something.
  double fullness() const;

 private:
  struct RingFile {
    std::shared_ptr<File> file;  // Shared with the appender.
    uint64_t used = 0;
    uint64_t last_sequence = 0;
  };

  JournalRing(Disk& disk, const Options& options);
  absl::Status TakeFiles();
  absl::StatusOr<std::shared_ptr<File>> MakeFile(size_t index);
  std::string PathOf(size_t index) const;
  bool FitsCurrent(uint64_t size) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // A file of which no block from `needed_from` on is part, and not the current one; or none.
  std::optional<size_t> FreeFile(uint64_t needed_from) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool IsFree(size_t index, uint64_t needed_from) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status GoToFreeFile();
  absl::Status Write(std::span<const JournalEntry> entries, std::span<const ByteView> data);

  // Set at construction.
  Disk& disk_;
  const Options options_;
  const uint64_t file_bytes_;
  const size_t files_max_;

  // The appender's.
  Bytes head_;
  std::vector<ByteView> pieces_;

  mutable absl::Mutex mu_;
  std::vector<RingFile> files_ ABSL_GUARDED_BY(mu_);
  size_t current_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t next_sequence_ ABSL_GUARDED_BY(mu_) = 1;
  uint64_t needed_from_ ABSL_GUARDED_BY(mu_) = 1;
  uint64_t durable_needed_from_ ABSL_GUARDED_BY(mu_) = 1;  // As the last block says it, to a start.
};

// "07.journal": the name of the ring's file `index`.
std::string JournalFileName(size_t index);

}  // namespace sluice::storage
