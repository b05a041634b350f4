#include "storage/log/journal_scheduler.h"

#include <algorithm>
#include <atomic>

#include "absl/strings/str_cat.h"
#include "storage/log/log_dir_journal.h"
#include "storage/log/side_by_side.h"

namespace sluice::storage {
namespace {

// More in one block is no faster, and the memory for what is not mapped stays small.
constexpr uint64_t kBlockBytesMax = 4 << 20;
// Logs that are flushed behind at the same time.
constexpr int kFlushesAtOnce = 8;

}  // namespace

JournalScheduler::JournalScheduler(const Options& options, OffsetIndex& index, SyncFailure& failure)
    : options_(options), index_(index), failure_(failure) {}

JournalScheduler::~JournalScheduler() {
  Stop();
}

void JournalScheduler::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  if (writer_.joinable()) {
    writer_.join();
    keeper_.join();
    flusher_->Stop();
  }
}

void JournalScheduler::Begin(std::unique_ptr<JournalRing> ring) {
  ring_ = std::move(ring);
  flusher_ = std::make_unique<Flusher>(options_.flusher_threads);
  {
    absl::MutexLock lock(&mu_);
    written_through_ = ring_->last_sequence();
  }
  writer_ = std::thread([this] { RunWriter(); });
  keeper_ = std::thread([this] { RunKeeper(); });
}

void JournalScheduler::Request(std::shared_ptr<SyncTarget> target) {
  if (target->journal_queued.exchange(true)) {
    return;
  }
  absl::MutexLock lock(&mu_);
  queue_.push_back(std::move(target));
}

void JournalScheduler::RunWriter() {
  while (true) {
    std::deque<std::shared_ptr<SyncTarget>> round;
    {
      absl::MutexLock lock(&mu_);
      mu_.Await(absl::Condition(this, &JournalScheduler::WriterHasWork));
      if (stopping_) {
        return;
      }
      round.swap(queue_);
    }
    WriteRound(std::move(round));
  }
}

void JournalScheduler::WriteRound(std::deque<std::shared_ptr<SyncTarget>> round) {
  for (const std::shared_ptr<SyncTarget>& target : round) {
    // Before it looks how far the log reaches, so that later appends ask anew; an exchange, so that it sees
    // what was appended before the request that it takes back.
    target->journal_queued.exchange(false);
  }
  while (!round.empty()) {
    if (GatherBlock(&round) && !WriteBlock()) {
      return;
    }
  }
}

// True when there is something to write.
bool JournalScheduler::GatherBlock(std::deque<std::shared_ptr<SyncTarget>>* round) {
  const uint64_t block_max = std::min(kBlockBytesMax, ring_->block_bytes_max());
  const GatherLimits limits{.block_bytes_max = block_max,
                            .log_bytes_max = std::min(options_.direct_bytes, block_max / 2)};
  batch_.Clear();
  taken_.clear();
  while (!round->empty()) {
    Taken taken{round->front(), {}};
    const SyncTarget::Gathered gathered = taken.target->Gather(limits, &batch_, &taken.end);
    if (gathered == SyncTarget::Gathered::kNoRoom) {
      break;
    }
    round->pop_front();
    if (gathered == SyncTarget::Gathered::kTaken) {
      taken_.push_back(std::move(taken));
    } else if (gathered == SyncTarget::Gathered::kSyncSegments) {
      flusher_->Request(std::move(taken.target));
    }
  }
  return !taken_.empty();
}

// False when nothing can be written any more. Keeps no log and no map of one beyond the block.
bool JournalScheduler::WriteBlock() {
  const bool written = WriteGathered();
  batch_.Clear();
  taken_.clear();
  return written;
}

bool JournalScheduler::WriteGathered() {
  if (failure_.raised() || !AwaitRoom(batch_.size())) {
    return false;
  }
  if (const absl::Status written = ring_->Append(batch_.entries(), batch_.data()); !written.ok()) {
    failure_.Raise(absl::Status(written.code(), absl::StrCat("journal: ", written.message())));
    return false;
  }
  NoteWritten();
  for (const Taken& taken : taken_) {
    taken.target->PublishDurable(taken.end);
  }
  return true;
}

bool JournalScheduler::AwaitRoom(uint64_t size) {
  absl::MutexLock lock(&mu_);
  const auto may_go = [this, size]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return stopping_ || failure_.raised() || ring_->HasRoom(size);
  };
  if (!may_go()) {
    keeping_asked_ = true;
    // The failure may be raised by anybody, who does not know of this lock.
    while (!mu_.AwaitWithTimeout(absl::Condition(&may_go), absl::Milliseconds(100)) && !may_go()) {
      keeping_asked_ = true;
    }
  }
  return !stopping_ && !failure_.raised();
}

void JournalScheduler::NoteWritten() {
  absl::MutexLock lock(&mu_);
  written_through_ = ring_->last_sequence();
  for (const Taken& taken : taken_) {
    if (!std::exchange(taken.target->in_journal, true)) {
      in_journal_.push_back(taken.target);
    }
  }
  keeping_asked_ = keeping_asked_ || ring_->fullness() >= keep_from_ || ring_->wants_file();
}

void JournalScheduler::RunKeeper() {
  while (true) {
    {
      absl::MutexLock lock(&mu_);
      mu_.Await(absl::Condition(this, &JournalScheduler::KeeperHasWork));
      if (stopping_) {
        return;
      }
      keeping_asked_ = false;
    }
    KeepOnce();
  }
}

// A file that cannot be made is none that is missed: the ring goes round in those that there are.
void JournalScheduler::KeepOnce() {
  const bool grown = ring_->wants_file() && ring_->Grow().value_or(false);
  const bool pressed = !grown && !ring_->has_free_file();
  if (!round_ && (pressed || ring_->fullness() >= kFlushFrom)) {
    BeginRound();
  }
  if (round_) {
    FlushSlice(pressed);
  }
  absl::MutexLock lock(&mu_);  // Wakes the writer, if it waits for room.
  keep_from_ = round_ ? FullnessOfNext(round_->logs.size(), round_->flushed) : kFlushFrom;
  keeping_asked_ = keeping_asked_ || (round_ && (pressed || ring_->fullness() >= keep_from_));
}

void JournalScheduler::BeginRound() {
  std::vector<std::shared_ptr<SyncTarget>> alive;  // Whose last reference goes outside the lock.
  absl::MutexLock lock(&mu_);
  round_.emplace();
  for (std::weak_ptr<SyncTarget>& weak : std::exchange(in_journal_, {})) {
    if (std::shared_ptr<SyncTarget> target = weak.lock(); target != nullptr) {
      target->in_journal = false;
      alive.push_back(std::move(target));
      round_->logs.push_back(std::move(weak));
    }
  }
  round_->through = written_through_;
}

// Each log as far as it reaches now: so a busy segment is written in strides of half a ring, however often
// its log was acknowledged.
void JournalScheduler::FlushSlice(bool pressed) {
  const size_t count = round_->logs.size();
  const size_t due = pressed ? count : FlushesDue(count, options_.flush_slice, ring_->fullness());
  std::vector<std::shared_ptr<SyncTarget>> targets;
  for (; round_->flushed < due && targets.size() < options_.flush_slice; ++round_->flushed) {
    if (std::shared_ptr<SyncTarget> target = round_->logs[round_->flushed].lock(); target != nullptr) {
      targets.push_back(std::move(target));
    }
  }
  for (const std::shared_ptr<SyncTarget>& target : targets) {
    target->StartFlush();
  }
  std::atomic<bool> all_noted{true};
  SideBySide(kFlushesAtOnce, targets.size(), [&](size_t i) {
    if (!failure_.raised() && !targets[i]->FlushBehind()) {
      all_noted = false;
    }
  });
  round_->all_noted = round_->all_noted && all_noted;
  if (round_->flushed == count || failure_.raised()) {
    EndRound();
  }
}

// Checkpoints first: what the journal forgets, they must know to have been on the disk. An index that cannot
// be written knows less of the logs' health, which a start then sees, and the logs go on.
void JournalScheduler::EndRound() {
  if (!failure_.raised()) {
    if (round_->all_noted) {
      NoteJournalBehind(index_, ring_->journal_id(), round_->through).IgnoreError();
    }
    ring_->Release(round_->through);
  }
  round_.reset();
}

}  // namespace sluice::storage
