// Durability through one journal: what waits, of all logs, goes into one block and one sync; the segments
// follow later, in large strides.
//
//   appends --> segments (page cache) --gather--> block --sync--> published, acknowledged
//                      \-------------- flushed behind, the block's space is free again
//
// Two threads of its own: the writer gathers, writes and publishes; the keeper makes the ring's files,
// flushes segments behind from when the ring is half full, and frees it. A ring that is full makes the writer
// wait for the keeper, and those who wait for acknowledgements with it. A log that appended more than fits a
// block well has its segments synced by a flusher, and a mark of that written into the journal.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/index/offset_index.h"
#include "storage/journal/ring.h"
#include "storage/log/flush_pace.h"
#include "storage/log/flusher.h"
#include "storage/log/journal_batch.h"
#include "storage/log/sync_scheduler.h"

namespace sluice::storage {

// One round of writing segments behind: see flush_pace.h.
struct FlushRound {
  std::vector<std::weak_ptr<SyncTarget>> logs;
  size_t flushed = 0;    // So many of them, the first ones.
  uint64_t through = 0;  // The last block that nobody needs when all are.
  bool all_noted = true;
};

class JournalScheduler final : public SyncScheduler {
 public:
  struct Options {
    uint64_t direct_bytes = 2 << 20;  // From so much on a log's segments are synced instead.
    int flusher_threads = 2;
    size_t flush_slice = 256;  // Logs that are flushed behind in one go.
  };
  // The index and `failure` must outlive it. Requests are kept until Begin().
  JournalScheduler(const Options& options, OffsetIndex& index, SyncFailure& failure);
  ~JournalScheduler() override;  // Lets what is under way end and drops what waits.

  void Begin(std::unique_ptr<JournalRing> ring);

  void Request(std::shared_ptr<SyncTarget> target) override;
  void Stop() override;
  bool keeps_journal() const override { return true; }

 private:
  struct Taken {
    std::shared_ptr<SyncTarget> target;
    LogPosition end;
  };

  void RunWriter();
  void WriteRound(std::deque<std::shared_ptr<SyncTarget>> round);
  bool GatherBlock(std::deque<std::shared_ptr<SyncTarget>>* round);
  bool WriteBlock();
  bool WriteGathered();
  bool AwaitRoom(uint64_t size);
  void NoteWritten();

  void RunKeeper();
  void KeepOnce();
  void BeginRound() ABSL_LOCKS_EXCLUDED(mu_);
  void FlushSlice(bool pressed) ABSL_LOCKS_EXCLUDED(mu_);
  void EndRound();

  bool WriterHasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stopping_ || !queue_.empty(); }
  bool KeeperHasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stopping_ || keeping_asked_; }

  // Set before the threads start.
  const Options options_;
  OffsetIndex& index_;
  SyncFailure& failure_;
  std::unique_ptr<JournalRing> ring_;
  std::unique_ptr<Flusher> flusher_;

  // The writer's.
  JournalBatch batch_;
  std::vector<Taken> taken_;

  // The keeper's.
  std::optional<FlushRound> round_;

  absl::Mutex mu_;
  std::deque<std::shared_ptr<SyncTarget>> queue_ ABSL_GUARDED_BY(mu_);  // Shared with the log dir.
  // Those that blocks hold bytes of. Weak: a log that was deleted goes, with its files, and needs nothing.
  std::vector<std::weak_ptr<SyncTarget>> in_journal_ ABSL_GUARDED_BY(mu_);
  uint64_t written_through_ ABSL_GUARDED_BY(mu_) = 0;  // The last block whose logs are among them.
  bool keeping_asked_ ABSL_GUARDED_BY(mu_) = false;
  double keep_from_ ABSL_GUARDED_BY(mu_) = kFlushFrom;  // The keeper looks when the ring is so full.
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;

  std::thread writer_;
  std::thread keeper_;
};

}  // namespace sluice::storage
