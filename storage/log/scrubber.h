// Background verification: reads all sealed segments, again and again, slowly, and tells of every byte that
// is not what was written. A disk that loses bits does not say so; the copy that a reader gets years later
// is the first to know, unless somebody looks before.
//
//   | round            | rest ...        | round            |      interval: from beginning to beginning
//     8 MiB/s through
//     all sealed segments
//
// Damage is told and counted, nothing else: the log goes on serving, and readers check CRCs themselves.
//
// Threads: IsDue and Step from any; one Step runs at a time. Stop, which waits for it, before the source of
// targets goes away.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "proto/base/clock.h"
#include "storage/disk/disk.h"
#include "storage/log/scrub_stats.h"
#include "storage/log/segment_list.h"
#include "storage/log/segment_walk.h"
#include "storage/log/task_gate.h"

namespace sluice::storage {

struct ScrubRules {
  uint64_t bytes_per_second = 0;  // 0: never.
  absl::Duration interval;
};

// How much may be read, and when: a value, fed with the time. A round that takes longer than the interval is
// followed by the next at once.
class ScrubPace {
 public:
  explicit ScrubPace(const ScrubRules& rules) : rules_(rules) {}

  bool MayBegin(absl::Duration now) const {
    return rules_.bytes_per_second > 0 && (!began_ || now - *began_ >= rules_.interval);
  }
  void Begin(absl::Duration now);
  // Bytes that may be read at `now`; what was read too much before is taken off. At most what a second earns
  // gathers while nobody reads.
  int64_t Allowance(absl::Duration now);
  void Spend(uint64_t bytes) { allowance_ -= static_cast<int64_t>(bytes); }

 private:
  const ScrubRules rules_;
  std::optional<absl::Duration> began_;
  absl::Duration earned_to_;
  int64_t allowance_ = 0;
};

// A log, as the scrubber sees it. Thread-safe.
class ScrubTarget {
 public:
  virtual ~ScrubTarget() = default;
  // The first sealed segment, all of it on the disk, that begins at or after that offset.
  virtual std::optional<SegmentInfo> NextSealed(Offset at_or_after) const = 0;
  // Below it compaction may have left gaps.
  virtual Offset gaps_below() const = 0;
};

class Scrubber {
 public:
  // What there is to verify, asked at the beginning of each round; logs that go away meanwhile are passed
  // over.
  using Source = absl::AnyInvocable<std::vector<std::weak_ptr<ScrubTarget>>()>;
  using OnDamage = absl::AnyInvocable<void(absl::string_view)>;
  Scrubber(const ScrubRules& rules, Disk& disk, Clock& clock, Source source, OnDamage on_damage)
      : disk_(disk),
        clock_(clock),
        enabled_(rules.bytes_per_second > 0),
        pace_(rules),
        source_(std::move(source)),
        on_damage_(std::move(on_damage)) {}

  // A Step() is worth posting. True once for each Step.
  bool IsDue();
  // Reads as much as the pace allows by now. Blocks on the disk.
  void Step();
  // No Step does anything any more; waits for one that runs.
  void Stop();

  ScrubStats stats() const;

 private:
  // The segment that is being read.
  struct Current {
    std::shared_ptr<ScrubTarget> target;  // Keeps the log from going away under us.
    SegmentInfo info;
    std::unique_ptr<File> file = nullptr;
    std::unique_ptr<SegmentWalk> walk = nullptr;
    uint64_t damage_count = 0;
    std::vector<std::string> damages = {};  // The first of them; told at its end, if the log still has it.
  };

  void StepInside() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool OpenNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool Open(std::shared_ptr<ScrubTarget> target, SegmentInfo info) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Takes one step in the current segment; returns how many bytes that was.
  uint64_t WalkOn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void NoteStep(const SegmentWalk::Step& step) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void EndSegment() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void AddDamage(uint64_t position, Offset offset, absl::string_view what) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Disk& disk_;
  Clock& clock_;
  const bool enabled_;
  TaskGate gate_;
  std::atomic<bool> queued_{false};
  std::atomic<bool> stopping_{false};

  absl::Mutex mu_;  // Held for a whole step.
  ScrubPace pace_ ABSL_GUARDED_BY(mu_);
  Source source_ ABSL_GUARDED_BY(mu_);
  OnDamage on_damage_ ABSL_GUARDED_BY(mu_);
  bool in_round_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::weak_ptr<ScrubTarget>> left_ ABSL_GUARDED_BY(mu_);  // Of this round; the next one last.
  Offset next_base_ ABSL_GUARDED_BY(mu_);                              // In left_.back().
  std::optional<Current> current_ ABSL_GUARDED_BY(mu_);

  mutable absl::Mutex stats_mu_ ABSL_ACQUIRED_AFTER(mu_);
  ScrubStats stats_ ABSL_GUARDED_BY(stats_mu_);
};

}  // namespace sluice::storage
