// The Log of log.h, on segment files. One idea a file:
//
//   partition_log.cc             opening, closing, what can be asked
//   partition_log_append.cc      the critical section: check, place, stamp, publish
//   partition_log_upkeep.cc      room ahead of the appends: allocate, map, populate, roll
//   partition_log_durability.cc  sync, checkpoints, feeding the index
//   partition_log_journal.cc     what goes through the journal of the log dir
//   partition_log_maintenance.cc retention, rolling by age, flush.ms, what idle logs give back
//   partition_log_compaction.cc  rewriting sealed segments by the newest record of each key
//
// Locks, in the order in which they may nest:
//   compaction_mu_ > files_mu_, upkeep_mu_ > checkpoint_mu_ > sync_mu_ > append_mu_ > those inside the parts
// Only append_mu_ is ever taken by TryAppend, and nobody does I/O under it but TryAppend's own pwrite.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/log/compaction.h"
#include "storage/log/compaction_filter.h"
#include "storage/log/compaction_plan.h"
#include "storage/log/compaction_state.h"
#include "storage/log/compaction_writer.h"
#include "storage/log/index_feeder.h"
#include "storage/log/log.h"
#include "storage/log/log_context.h"
#include "storage/log/log_position.h"
#include "storage/log/log_reader.h"
#include "storage/log/log_state.h"
#include "storage/log/recovery.h"
#include "storage/log/scrubber.h"
#include "storage/log/segment_list.h"
#include "storage/log/segment_writer.h"
#include "storage/log/tail_index.h"
#include "storage/log/task_gate.h"
#include "storage/log/time_search.h"

namespace sluice::storage {

class PartitionLog final : public Log,
                           public SyncTarget,
                           public ScrubTarget,
                           public std::enable_shared_from_this<PartitionLog> {
 public:
  // An empty log in `directory`, which exists and holds no segment.
  static absl::StatusOr<std::shared_ptr<PartitionLog>> Create(const LogContext& context,
                                                              std::string directory, const LogId& id,
                                                              const LogOptions& options);
  // What is in `directory`. Its options are the defaults, and retention rests, until SetOptions(). Nobody may
  // see it before FinishOpening().
  static absl::StatusOr<std::shared_ptr<PartitionLog>> Open(const LogContext& context, std::string directory,
                                                            const LogId& id, const StartAfter& after);
  // Makes durable what was walked, and writes a checkpoint: at once for many logs, and it costs less (see
  // StartFlush). An error is one of the log dir.
  absl::Status FinishOpening();
  // How many files wait for that, open.
  size_t unsynced_segments() const;
  ~PartitionLog() override;

  AppendOutcome TryAppend(const record::BatchView& batch, const AppendContext& context) override;
  AppendOutcome Append(const record::BatchView& batch, const AppendContext& context) override;
  ReadOutcome TryRead(const ReadRequest& request, ReadCursor* cursor) override;
  ReadOutcome Read(const ReadRequest& request, ReadCursor* cursor) override;

  Offset start() const override { return Offset(start_.load(std::memory_order_acquire)); }
  Offset end() const override { return end_.offset(); }
  Offset durable_end() const override { return durable_.offset(); }
  Offset readable_end() const override;

  void SetListener(absl::AnyInvocable<void()> listener) override;
  void RequestSync() override;

  absl::StatusOr<std::optional<OffsetAndTimestamp>> FindTimestamp(int64_t timestamp_ms,
                                                                  Offset limit) override;
  absl::StatusOr<std::optional<OffsetAndTimestamp>> FindMaxTimestamp(Offset limit) override;

  LeaderEpoch latest_epoch() const override;
  std::optional<EpochEnd> FindEpochEnd(LeaderEpoch epoch) const override;
  LeaderEpoch EpochOf(Offset offset) const override;

  absl::Status AdvanceStart(Offset start) override;
  std::vector<ActiveProducer> Producers() const override;
  void SetOptions(const LogOptions& options) override;
  uint64_t size_bytes() const override;
  size_t segment_count() const override { return segments_.size(); }
  const LogId& id() const override { return id_; }
  const std::string& directory() const override { return directory_; }
  absl::Status health() const override;

  // For the scheduler of syncs.
  absl::Status SyncNow() override;
  Gathered Gather(const GatherLimits& limits, JournalBatch* batch, LogPosition* end) override;
  void PublishDurable(const LogPosition& end) override;
  void StartFlush() override;
  bool FlushBehind() override;

  // For the log dir.
  std::optional<SegmentInfo> NextSealed(Offset at_or_after) const override;
  Offset gaps_below() const override { return Offset(gaps_below_.load(std::memory_order_acquire)); }
  // One round of what age and time bring: rolling, retention, flush.ms, idle logs, due unlinking.
  void Maintain();
  // What Compact() would do now; due: it is time to. Nothing for a log that is not compacted.
  CompactionPlan PlanCompaction();
  // Cleans all that the plan covers, in as many passes as the map's size asks for. One thread at a time; it
  // ends early, with absl::Cancelled, when the log is closed. An error leaves the log whole.
  absl::StatusOr<CompactionReport> Compact(const CompactionResources& resources);
  // Everything durable, trimmed and in the index; no append follows, no read either.
  absl::Status Close();
  // As if the process ended here, or before the log is deleted. Waits for running tasks.
  void Abandon();
  // Its log dir went offline: the listener hears of it, from the pool.
  void TellOffline() { Post(&PartitionLog::Notify); }
  uint64_t recovered_bytes() const { return recovered_bytes_; }
  const std::string& recovered_loss() const { return recovered_loss_; }

 private:
  // A segment's file, made under a name of its own before its base offset is known.
  struct Prepared {
    std::shared_ptr<File> file;  // Becomes the segment's.
    Room room;
    std::shared_ptr<Mapping> map;  // Becomes the writer's.
  };
  // A segment that was rolled away and has its tail and its map still.
  struct Rolled {
    Offset base;
    std::shared_ptr<SegmentWriter> writer;  // The last reference but for a task that populates.
    uint64_t size_bytes = 0;
  };
  // What an append leaves to be done without the lock.
  struct AfterAppend {
    bool appended = false;
    bool sync = false;
    bool upkeep = false;
    bool checkpoint = false;
    bool drain = false;
    absl::Status write_error;  // No disk fails a write but one that cannot be trusted with the next.
  };
  struct DueUnlink {
    std::string path;
    absl::Duration due;
    std::shared_ptr<Segment> segment;  // Keeps the last close, which is slow, for the disk pool.
  };

  PartitionLog(const LogContext& context, std::string directory, const LogId& id, const LogOptions& options,
               RecoveredLog recovered);

  // partition_log.cc
  absl::Status Start();
  absl::Status ContinueLast(SegmentInfo* last);
  absl::Status BeginSegment();
  absl::StatusOr<std::shared_ptr<SegmentWriter>> OpenWriter(std::shared_ptr<File> file, uint64_t position);
  std::string PathOf(absl::string_view name) const;
  void UseAppendMethod() ABSL_LOCKS_EXCLUDED(upkeep_mu_, append_mu_);
  ReadOutcome ReadFrom(const ReadRequest& request, ReadCursor* cursor, MayBlock may_block);
  void Notify();
  using Task = void (PartitionLog::*)();
  void Post(Task task);
  bool closed() const { return closed_.load(std::memory_order_acquire); }
  absl::Status ClosedError() const;

  // partition_log_append.cc
  AppendOutcome AppendLocked(const record::BatchView& batch, const AppendContext& context, AfterAppend* after)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(append_mu_);
  absl::Status Place(const record::BatchView& batch, const BatchStamp& stamp, int64_t now_ms,
                     AfterAppend* after) ABSL_EXCLUSIVE_LOCKS_REQUIRED(append_mu_);
  void Remember(const record::BatchView& batch, const BatchStamp& stamp, uint64_t position, int64_t now_ms,
                AfterAppend* after) ABSL_EXCLUSIVE_LOCKS_REQUIRED(append_mu_);
  void PlanAfter(const record::BatchView& batch, AfterAppend* after)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(append_mu_);
  bool NeedsRoll(uint64_t size_bytes, int64_t now_ms) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(append_mu_);
  void Finish(const AfterAppend& after);

  // partition_log_upkeep.cc
  absl::Status MakeRoom(uint64_t size_bytes, int64_t now_ms) ABSL_LOCKS_EXCLUDED(upkeep_mu_, append_mu_);
  absl::Status MakeRoomLocked(uint64_t size_bytes, int64_t now_ms, bool* rolled)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(upkeep_mu_);
  absl::Status TakeStep(const std::shared_ptr<SegmentWriter>& writer, const RoomStep& step,
                        uint64_t size_needed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(upkeep_mu_);
  absl::Status AllocateMore(SegmentWriter& writer, const RoomStep& step, uint64_t size_needed)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(upkeep_mu_);
  absl::Status PrepareNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(upkeep_mu_);
  absl::Status Roll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(upkeep_mu_);
  void Install(Offset base, Prepared prepared) ABSL_EXCLUSIVE_LOCKS_REQUIRED(upkeep_mu_);
  void Upkeep() ABSL_LOCKS_EXCLUDED(upkeep_mu_);
  void FinishRolls();

  // partition_log_durability.cc
  // A part of a segment that waits for the journal.
  struct Stretch {
    SegmentInfo info;
    uint64_t position = 0;
    uint64_t size = 0;
    Offset end_offset;
  };
  std::vector<Stretch> StretchesBetween(const LogPosition& from, const LogPosition& to) const;
  bool AddStretch(const Stretch& stretch, const GatherLimits& limits, JournalBatch* batch);
  std::shared_ptr<Mapping> MapOf(Offset segment_base);
  bool journaled() const;
  absl::Status SyncNow(bool publish);
  absl::Status SyncSegments(const LogPosition& from, const LogPosition& to)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(sync_mu_);
  absl::Status StartWriteback(File& file, uint64_t position, uint64_t size);
  void NoteStride(const LogPosition& from, const LogPosition& to);
  absl::Status SettleMark() ABSL_EXCLUSIVE_LOCKS_REQUIRED(sync_mu_);
  void SettleMarkTask();
  absl::Status WriteCheckpoint();
  void CheckpointTask();
  absl::Status Drain();
  void DrainTask();

  // partition_log_maintenance.cc
  void RollByAge(int64_t now_ms);
  void ApplyRetention(int64_t now_ms);
  int64_t NewestMs(Segment& segment) const;
  void FlushByAge() ABSL_EXCLUSIVE_LOCKS_REQUIRED(maintenance_mu_);
  bool GiveBackWhenIdle() ABSL_EXCLUSIVE_LOCKS_REQUIRED(maintenance_mu_);
  void GiveBack() ABSL_LOCKS_EXCLUDED(upkeep_mu_, append_mu_);
  bool Rests();
  void Stir() { rests_until_us_.store(0, std::memory_order_relaxed); }
  void MaintainNow() ABSL_LOCKS_EXCLUDED(maintenance_mu_);
  void CloseIdleFiles();
  bool AnyKeepsItsName();
  void UnlinkDue();
  absl::Status AdvanceInside(Offset start);
  absl::Status MoveStart(Offset start);
  absl::Status DropSegmentsBefore(Offset start);

  // partition_log_compaction.cc
  using Segments = std::vector<SegmentInfo>;
  absl::StatusOr<CompactionReport> CompactInside(const CompactionResources& resources)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(compaction_mu_);
  absl::Status RunPass(const Segments& segments, const CompactionPlan& plan, CompactionMap* map,
                       const CompactionResources& resources, CompactionReport* report)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(compaction_mu_);
  CompactionPlan PlanFor(const Segments& segments) ABSL_EXCLUSIVE_LOCKS_REQUIRED(compaction_mu_);
  Segments OnDisk() const;
  std::vector<CompactionSegment> Summarise(const Segments& segments) const;
  int64_t OldestDirtyMs(const Segments& segments, Offset first_dirty) const;
  // The newest offset of each key from `from` on; returns where the map was full, or the end of `segments`.
  absl::StatusOr<Offset> FillMap(const Segments& segments, Offset from, CompactionMap* map,
                                 const CompactionResources& resources);
  absl::StatusOr<bool> AddKeys(const record::BatchView& batch, CompactionMap* map,
                               CompactionDecoder* decoder) const;
  absl::Status RewriteAll(const Segments& segments, const CompactionMap& map, Offset end,
                          const CompactionResources& resources, CompactionReport* report)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(compaction_mu_);
  absl::Status RewriteGroup(const Segments& olds, CompactionFilter* filter,
                            const CompactionResources& resources, CompactionReport* report)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(compaction_mu_);
  absl::Status CopyCleaned(const Segments& olds, CompactionFilter* filter, CompactionWriter* writer,
                           const CompactionResources& resources, CompactionReport* report, bool* changed);
  absl::Status SwapIn(const Segments& olds, const CompactionWriter& writer);
  LastOffsets LastOfProducers() const;
  absl::Status KeepPace(const CompactionResources& resources, uint64_t bytes) const;

  // Set at construction.
  const LogContext context_;
  const std::string directory_;
  const LogId id_;
  uint64_t recovered_bytes_ = 0;
  std::string recovered_loss_;

  // Written once, then only called: has_listener_ publishes it.
  absl::AnyInvocable<void()> listener_;
  std::atomic<bool> has_listener_{false};

  // Shared by appenders, readers and tasks; each guards itself.
  SegmentList segments_;
  PositionCell end_;
  PositionCell durable_;  // In the segments or in the journal: what is acknowledged.
  PositionCell flushed_;  // In the segments.
  TailIndex tail_;
  const LogReader reader_;
  const TimeSearch times_;
  TaskGate gate_;
  std::atomic<int64_t> start_;
  std::atomic<bool> live_{false};  // Start() is through.
  std::atomic<bool> closed_{false};
  std::atomic<bool> abandoned_{false};      // No sync either: the directory may be gone.
  std::atomic<bool> synced_;                // Readers wait for durability.
  std::atomic<int64_t> readable_floor_{0};  // Readable before the log became a synced one.

  mutable absl::Mutex epochs_mu_;
  EpochCache epochs_ ABSL_GUARDED_BY(epochs_mu_);

  absl::Mutex upkeep_mu_ ABSL_ACQUIRED_BEFORE(checkpoint_mu_);
  std::optional<Prepared> prepared_ ABSL_GUARDED_BY(upkeep_mu_);

  absl::Mutex checkpoint_mu_ ABSL_ACQUIRED_BEFORE(sync_mu_);

  absl::Mutex sync_mu_ ABSL_ACQUIRED_BEFORE(append_mu_);
  Offset directory_synced_to_ ABSL_GUARDED_BY(sync_mu_){-1};  // Segments up to this one are in the directory.

  bool marked_page_cache_ ABSL_GUARDED_BY(sync_mu_);

  mutable absl::Mutex append_mu_;
  LogOptions options_ ABSL_GUARDED_BY(append_mu_);
  bool options_known_ ABSL_GUARDED_BY(append_mu_) = true;  // False: defaults, because nobody set them yet.
  std::shared_ptr<Segment> active_ ABSL_GUARDED_BY(append_mu_);        // Shared with segments_.
  std::shared_ptr<SegmentWriter> writer_ ABSL_GUARDED_BY(append_mu_);  // Shared with running upkeep.
  Offset next_offset_ ABSL_GUARDED_BY(append_mu_);
  ProducerState producers_ ABSL_GUARDED_BY(append_mu_);
  LeaderEpoch latest_epoch_ ABSL_GUARDED_BY(append_mu_);
  IndexFeeder feeder_ ABSL_GUARDED_BY(append_mu_);
  std::optional<int64_t> first_append_ms_ ABSL_GUARDED_BY(append_mu_);  // Of the active segment.
  bool rolling_ ABSL_GUARDED_BY(append_mu_) = false;
  bool upkeep_queued_ ABSL_GUARDED_BY(append_mu_) = false;
  bool drain_queued_ ABSL_GUARDED_BY(append_mu_) = false;
  std::vector<Rolled> rolled_ ABSL_GUARDED_BY(append_mu_);
  std::vector<SegmentEntry> sealed_pending_ ABSL_GUARDED_BY(append_mu_);  // Not in the index yet.
  uint64_t bytes_since_checkpoint_ ABSL_GUARDED_BY(append_mu_) = 0;
  int64_t records_since_flush_ ABSL_GUARDED_BY(append_mu_) = 0;
  bool appended_since_tick_ ABSL_GUARDED_BY(append_mu_) = true;

  std::atomic<int64_t> rests_until_us_{0};  // On the monotonic clock; an append ends the rest as well.

  // Maintenance only: one thread at a time.
  absl::Mutex maintenance_mu_ ABSL_ACQUIRED_BEFORE(upkeep_mu_);
  absl::Duration last_append_ ABSL_GUARDED_BY(maintenance_mu_);
  bool gave_back_ ABSL_GUARDED_BY(maintenance_mu_) = false;  // Since then.
  absl::Duration last_synced_ ABSL_GUARDED_BY(maintenance_mu_);

  absl::Mutex compaction_mu_ ABSL_ACQUIRED_BEFORE(files_mu_, checkpoint_mu_);
  CompactionState compaction_ ABSL_GUARDED_BY(compaction_mu_);
  std::atomic<int64_t> gaps_below_;  // As in compaction_, for those who cannot wait for a pass to end.

  // Held while files of sealed segments are renamed: by retention and by compaction, one at a time.
  absl::Mutex files_mu_ ABSL_ACQUIRED_BEFORE(append_mu_);

  absl::Mutex unlink_mu_;
  std::vector<DueUnlink> due_unlinks_ ABSL_GUARDED_BY(unlink_mu_);
};

}  // namespace sluice::storage
