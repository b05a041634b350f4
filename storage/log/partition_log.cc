#include "storage/log/partition_log.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/base/check.h"
#include "proto/base/status_macros.h"
#include "storage/log/batch_reader.h"
#include "storage/log/segment_name.h"

namespace sluice::storage {
namespace {

OffsetEntry EntryAt(const LogPosition& position) {
  return {position.offset, position.segment_base, position.position};
}

// Its age counts from its first record, as far as that tells a time that can be.
std::optional<int64_t> FirstTimestamp(File& file, uint64_t size, int64_t now_ms) {
  BatchReader reader(file, size, BatchReader::kHeaders);
  const absl::StatusOr<std::optional<record::BatchView>> header = reader.HeaderAt(0);
  if (!header.ok() || !*header) {
    return std::nullopt;
  }
  const int64_t first_ms = (*header)->max_timestamp();
  return first_ms >= 0 && first_ms <= now_ms ? first_ms : now_ms;
}

}  // namespace

PartitionLog::PartitionLog(const LogContext& context, std::string directory, const LogId& id,
                           const LogOptions& options, RecoveredLog recovered)
    : context_(context),
      directory_(std::move(directory)),
      id_(id),
      recovered_bytes_(recovered.walked_bytes),
      recovered_loss_(std::move(recovered.lost)),
      tail_(EntryAt(recovered.end)),
      reader_(LogReader::Parts{segments_, tail_, end_, durable_, context_.index, id_}),
      times_(reader_, segments_, end_, context_.index, id_),
      start_(recovered.state.log_start.value()),
      synced_(options.durability == Durability::kSynced),
      epochs_(std::move(recovered.state.epochs)),
      marked_page_cache_(recovered.page_cache),
      options_(options),
      next_offset_(recovered.end.offset),
      producers_(std::move(recovered.state.producers)),
      latest_epoch_(epochs_.latest()),
      feeder_(recovered.state.max_timestamp_ms),
      last_append_(context.clock.Monotonic()),
      last_synced_(last_append_),
      compaction_(recovered.compaction),
      gaps_below_(recovered.compaction.gaps_below.value()) {
  for (SegmentInfo& info : recovered.segments) {
    segments_.Append(std::move(info));
  }
  // Not only with the first tick: who is forgotten must not depend on how soon its producer comes back.
  producers_.Expire(context.clock.NowMs() - context.limits.producer_id_expiration_ms);
  end_.Set(recovered.end);
  durable_.Set(recovered.durable);
  flushed_.Set(recovered.durable);
}

PartitionLog::~PartitionLog() = default;

absl::StatusOr<std::shared_ptr<PartitionLog>> PartitionLog::Create(const LogContext& context,
                                                                   std::string directory, const LogId& id,
                                                                   const LogOptions& options) {
  std::shared_ptr<PartitionLog> log(
      new PartitionLog(context, std::move(directory), id, options, RecoveredLog()));
  {
    absl::MutexLock sync(&log->sync_mu_);
    RETURN_IF_ERROR(log->SettleMark());
  }
  RETURN_IF_ERROR(log->Start());
  RETURN_IF_ERROR(log->FinishOpening());
  return log;
}

absl::StatusOr<std::shared_ptr<PartitionLog>> PartitionLog::Open(const LogContext& context,
                                                                 std::string directory, const LogId& id,
                                                                 const StartAfter& after) {
  ASSIGN_OR_RETURN(RecoveredLog recovered, RecoverLog({.disk = context.disk,
                                                       .clock = context.clock,
                                                       .index = context.index,
                                                       .directory = directory,
                                                       .id = id,
                                                       .after = after}));
  std::shared_ptr<PartitionLog> log(
      new PartitionLog(context, std::move(directory), id, LogOptions(), std::move(recovered)));
  {
    absl::MutexLock lock(&log->append_mu_);
    log->options_known_ = false;
  }
  RETURN_IF_ERROR(log->Start());
  return log;
}

// Finds or makes the segment to append to.
absl::Status PartitionLog::Start() {
  std::vector<SegmentInfo> row = segments_.All();
  const bool has_active = !row.empty() && !row.back().sealed;
  if (has_active) {
    RETURN_IF_ERROR(ContinueLast(&row.back()));
  } else {
    RETURN_IF_ERROR(BeginSegment());
    if (!row.empty()) {  // The directory of a new log is synced by its maker.
      RETURN_IF_ERROR(context_.disk.SyncDirectory(directory_));
    }
  }
  return absl::OkStatus();
}

absl::Status PartitionLog::FinishOpening() {
  const bool walked = !(flushed_.Get() == end_.Get());
  if (walked) {
    RETURN_IF_ERROR(WriteCheckpoint());
  }
  live_.store(true, std::memory_order_release);
  if (walked) {
    for (const SegmentInfo& info : segments_.All()) {
      if (info.sealed) {
        info.segment->CloseFile();  // Opened by the walk, and synced now.
      }
    }
  }
  return absl::OkStatus();
}

// Renamed into place, which also replaces a file of that name that holds nothing but a torn batch: as a new
// file, so that no byte of the old one is written again.
absl::Status PartitionLog::BeginSegment() {
  const Offset base = end_.offset();
  const std::string prepared = PathOf(kPreparedName);
  const std::string path = PathOf(SegmentFileName(base));
  ASSIGN_OR_RETURN(std::shared_ptr<File> file, context_.disk.Open(prepared, Disk::OpenMode::kCreateNew));
  RETURN_IF_ERROR(context_.disk.Rename(prepared, path));
  absl::MutexLock lock(&append_mu_);
  active_ = std::make_shared<Segment>(context_.disk, path, base, file);
  ASSIGN_OR_RETURN(writer_, OpenWriter(std::move(file), 0));
  segments_.Append({active_, false, {}, 0});
  const bool all_durable = durable_.Get() == end_.Get();
  end_.Set({base, base, 0});
  if (all_durable) {
    durable_.Set({base, base, 0});
    flushed_.Set({base, base, 0});
  }
  return absl::OkStatus();
}

absl::Status PartitionLog::ContinueLast(SegmentInfo* last) {
  ASSIGN_OR_RETURN(std::shared_ptr<File> file, last->segment->OpenFile());
  const uint64_t position = end_.Get().position;
  absl::MutexLock lock(&append_mu_);
  active_ = last->segment;
  first_append_ms_ = FirstTimestamp(*file, position, context_.clock.NowMs());
  ASSIGN_OR_RETURN(writer_, OpenWriter(std::move(file), position));
  return absl::OkStatus();
}

// What lies allocated behind `position` is allocated again before it is used, which costs nothing if it is
// there, and finds out if it is not (a copied file may have holes).
absl::StatusOr<std::shared_ptr<SegmentWriter>> PartitionLog::OpenWriter(std::shared_ptr<File> file,
                                                                        uint64_t position) {
  append_mu_.AssertHeld();
  const Room room{.position = position,
                  .populated = position,
                  .allocated = position,
                  .written_back = position,
                  .limit = std::max(static_cast<uint64_t>(options_.segment_bytes), position),
                  .wants_map = options_.append_method == AppendMethod::kMmap,
                  .map_from = static_cast<uint64_t>(options_.map_from_bytes)};
  return std::make_shared<SegmentWriter>(std::move(file), room, nullptr);
}

std::string PartitionLog::PathOf(absl::string_view name) const {
  return absl::StrCat(directory_, "/", name);
}

// The log may be in use already: found at the start, its retention began with SetOptions().
void PartitionLog::SetListener(absl::AnyInvocable<void()> listener) {
  CHECK(!has_listener_.load(std::memory_order_relaxed));
  listener_ = std::move(listener);
  has_listener_.store(true, std::memory_order_release);
}

void PartitionLog::Notify() {
  if (has_listener_.load(std::memory_order_acquire)) {
    listener_();
  }
}

// The task keeps the log alive, and finds the gate closed when it comes too late.
void PartitionLog::Post(Task task) {
  context_.pool.Post([log = shared_from_this(), task] {
    if (log->gate_.Enter()) {
      ((*log).*task)();
      log->gate_.Leave();
    }
  });
}

absl::Status PartitionLog::health() const {
  if (!context_.failure.raised()) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "log ", directory_,
      " is offline, because a sync of its log dir failed and what is in memory may not be ",
      "on the disk: ", context_.failure.status().message(), ". Check the disk, then start the broker again"));
}

absl::Status PartitionLog::ClosedError() const {
  return absl::FailedPreconditionError(absl::StrCat("log ", directory_, " was closed or deleted"));
}

Offset PartitionLog::readable_end() const {
  if (!synced_.load(std::memory_order_acquire)) {
    return end();
  }
  return std::max(durable_end(), Offset(readable_floor_.load(std::memory_order_acquire)));
}

ReadOutcome PartitionLog::TryRead(const ReadRequest& request, ReadCursor* cursor) {
  if (closed()) {
    return {.code = ReadCode::kClosed, .range = {}, .status = absl::OkStatus()};
  }
  return ReadFrom(request, cursor, MayBlock::kNo);
}

ReadOutcome PartitionLog::Read(const ReadRequest& request, ReadCursor* cursor) {
  if (closed()) {
    return {.code = ReadCode::kClosed, .range = {}, .status = absl::OkStatus()};
  }
  return ReadFrom(request, cursor, MayBlock::kYes);
}

// The start moves before the first file goes: a file that is missing below it was dropped, not lost.
ReadOutcome PartitionLog::ReadFrom(const ReadRequest& request, ReadCursor* cursor, MayBlock may_block) {
  if (context_.failure.raised()) {
    return {.code = ReadCode::kStorageError, .range = {}, .status = health()};
  }
  ReadOutcome outcome = reader_.Read(request, start(), cursor, may_block);
  if (outcome.code == ReadCode::kStorageError && request.offset < start()) {
    return {.code = ReadCode::kOffsetOutOfRange, .range = {}, .status = absl::OkStatus()};
  }
  return outcome;
}

LeaderEpoch PartitionLog::latest_epoch() const {
  absl::MutexLock lock(&epochs_mu_);
  return epochs_.latest();
}

std::optional<EpochEnd> PartitionLog::FindEpochEnd(LeaderEpoch epoch) const {
  const Offset log_end = end();
  absl::MutexLock lock(&epochs_mu_);
  const std::optional<EpochEndOffset> found = epochs_.FindEnd(epoch, log_end);
  return found ? std::optional(EpochEnd{found->epoch, found->end}) : std::nullopt;
}

LeaderEpoch PartitionLog::EpochOf(Offset offset) const {
  absl::MutexLock lock(&epochs_mu_);
  return epochs_.EpochOf(offset);
}

uint64_t PartitionLog::size_bytes() const {
  return segments_.sealed_bytes() + end_.Get().position;
}

// What readers could see stays visible: the floor holds until the disk has caught up.
void PartitionLog::SetOptions(const LogOptions& options) {
  bool sync = false;
  {
    absl::MutexLock lock(&append_mu_);
    const bool synced = options.durability == Durability::kSynced;
    if (synced && !synced_.load(std::memory_order_relaxed)) {
      readable_floor_.store(next_offset_.value(), std::memory_order_release);
      sync = true;
    }
    synced_.store(synced, std::memory_order_release);
    options_ = options;
    options_known_ = true;
  }
  UseAppendMethod();
  Stir();
  if (sync) {
    RequestSync();
  }
  if (options.durability == Durability::kPageCache) {
    Post(&PartitionLog::SettleMarkTask);
  }
}

// Also for the segment that is being written.
void PartitionLog::UseAppendMethod() {
  std::shared_ptr<Mapping> map;  // Unmapped at the end, outside the locks.
  absl::MutexLock upkeep(&upkeep_mu_);
  absl::MutexLock lock(&append_mu_);
  const bool wants_map = options_.append_method == AppendMethod::kMmap;
  writer_->SetMapRule(wants_map, static_cast<uint64_t>(options_.map_from_bytes));
  if (!wants_map) {
    map = writer_->TakeMap();
  }
}

absl::Status PartitionLog::Close() {
  {
    absl::MutexLock lock(&append_mu_);
    if (closed_.exchange(true)) {
      return absl::OkStatus();
    }
  }
  gate_.CloseAndWait();
  absl::Status status;
  {
    absl::MutexLock upkeep(&upkeep_mu_);
    if (prepared_) {
      prepared_.reset();
      context_.disk.Unlink(PathOf(kPreparedName)).IgnoreError();  // Recovery removes it too.
    }
    absl::MutexLock lock(&append_mu_);
    writer_->TakeMap();
    status = writer_->file()->Truncate(writer_->position());
  }
  FinishRolls();
  const absl::Status checkpoint = WriteCheckpoint();
  Notify();
  return status.ok() ? checkpoint : status;
}

void PartitionLog::Abandon() {
  {
    absl::MutexLock lock(&append_mu_);
    closed_.store(true, std::memory_order_release);
  }
  abandoned_.store(true, std::memory_order_release);
  gate_.CloseAndWait();
  // Waits for an append that makes room, a checkpoint and a sync. Their paths may soon be another log's: that
  // of a topic of the same name.
  { absl::MutexLock upkeep(&upkeep_mu_); }
  { absl::MutexLock checkpoint(&checkpoint_mu_); }  // Nor does the index get anything of it any more.
  { absl::MutexLock sync(&sync_mu_); }
  Notify();
}

}  // namespace sluice::storage
