#include "storage/log/scrubber.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sluice::storage {
namespace {

// A segment whose every batch is bad fills the log with this many lines, not more.
constexpr size_t kDamagesMax = 100;

}  // namespace

void ScrubPace::Begin(absl::Duration now) {
  began_ = now;
  earned_to_ = now;
  allowance_ = std::min<int64_t>(allowance_, 0);
}

int64_t ScrubPace::Allowance(absl::Duration now) {
  const auto rate = static_cast<double>(rules_.bytes_per_second);
  const double earned = absl::ToDoubleSeconds(now - std::exchange(earned_to_, now)) * rate;
  const double total = static_cast<double>(allowance_) + earned;
  allowance_ = static_cast<int64_t>(std::min(total, rate));
  return allowance_;
}

bool Scrubber::IsDue() {
  return enabled_ && !queued_.exchange(true);
}

void Scrubber::Step() {
  if (!gate_.Enter()) {
    return;
  }
  {
    absl::MutexLock lock(&mu_);
    StepInside();
  }
  queued_.store(false);
  gate_.Leave();
}

void Scrubber::Stop() {
  stopping_.store(true);
  gate_.CloseAndWait();
}

ScrubStats Scrubber::stats() const {
  absl::MutexLock lock(&stats_mu_);
  return stats_;
}

void Scrubber::StepInside() {
  const absl::Duration now = clock_.Monotonic();
  if (!in_round_) {
    if (!pace_.MayBegin(now)) {
      return;
    }
    pace_.Begin(now);
    left_ = source_();
    std::reverse(left_.begin(), left_.end());
    next_base_ = Offset(0);
    in_round_ = true;
  }
  int64_t allowance = pace_.Allowance(now);
  while (allowance > 0 && !stopping_.load()) {
    if (!current_ && !OpenNext()) {
      in_round_ = false;
      absl::MutexLock lock(&stats_mu_);
      ++stats_.rounds;
      return;
    }
    const uint64_t bytes = WalkOn();
    pace_.Spend(bytes);
    allowance -= static_cast<int64_t>(bytes);
  }
}

// False at the end of the round.
bool Scrubber::OpenNext() {
  while (!left_.empty()) {
    std::shared_ptr<ScrubTarget> target = left_.back().lock();
    std::optional<SegmentInfo> info = target ? target->NextSealed(next_base_) : std::nullopt;
    if (!info) {
      left_.pop_back();
      next_base_ = Offset(0);
      continue;
    }
    next_base_ = Offset(info->base().value() + 1);
    if (Open(std::move(target), *std::move(info))) {
      return true;
    }
  }
  return false;
}

// False for a segment that retention or compaction took away since it was named: the next one then.
bool Scrubber::Open(std::shared_ptr<ScrubTarget> target, SegmentInfo info) {
  current_.emplace(Current{.target = std::move(target), .info = std::move(info)});
  absl::StatusOr<std::unique_ptr<File>> file =
      disk_.Open(current_->info.segment->path(), Disk::OpenMode::kReadOnly);
  const absl::StatusOr<uint64_t> size = file.ok() ? (*file)->Size() : file.status();
  if (!size.ok()) {
    AddDamage(0, current_->info.base(), size.status().message());
    EndSegment();
    return false;
  }
  current_->file = *std::move(file);
  if (*size < current_->info.size_bytes) {
    AddDamage(*size, current_->info.base(),
              absl::StrCat("the file ends here, and it had ", current_->info.size_bytes, " bytes"));
  }
  current_->walk = std::make_unique<SegmentWalk>(
      *current_->file, SegmentWalk::Bounds{.base = current_->info.base(),
                                           .next = current_->info.next_offset,
                                           .size_bytes = std::min(*size, current_->info.size_bytes),
                                           .gaps_below = current_->target->gaps_below(),
                                           .read_once = true});
  return true;
}

uint64_t Scrubber::WalkOn() {
  const uint64_t begin = current_->walk->position();
  const absl::StatusOr<SegmentWalk::Step> step = current_->walk->Next();
  const uint64_t bytes = current_->walk->position() - begin;
  {
    absl::MutexLock lock(&stats_mu_);
    stats_.bytes += bytes;
  }
  if (!step.ok()) {
    AddDamage(begin, current_->walk->expected(), step.status().message());
  } else {
    NoteStep(*step);
  }
  if (!step.ok() || step->kind == SegmentWalk::Kind::kEnd) {
    EndSegment();
  }
  return bytes;
}

void Scrubber::NoteStep(const SegmentWalk::Step& step) {
  if (step.fault != SegmentWalk::Fault::kNone) {
    AddDamage(step.position, step.expected, step.reason);
  } else if (step.kind == SegmentWalk::Kind::kRoom) {
    AddDamage(step.position, step.expected, "zeroes stand here, in a segment that was full");
  } else if (step.kind == SegmentWalk::Kind::kEnd && current_->damages.empty() &&
             step.expected != current_->info.next_offset) {
    AddDamage(
        step.position, step.expected,
        absl::StrCat("the segment ends here, and went up to offset ", current_->info.next_offset.value()));
  }
}

void Scrubber::AddDamage(uint64_t position, Offset offset, absl::string_view what) {
  if (++current_->damage_count > kDamagesMax) {
    return;
  }
  current_->damages.push_back(absl::StrCat(current_->info.segment->path(), ": byte ", position, ", offset ",
                                           offset.value(), ": ", what));
}

// A file that was taken away or replaced while it was read says nothing about the one that is there now.
void Scrubber::EndSegment() {
  const Current done = *std::exchange(current_, std::nullopt);
  const std::optional<SegmentInfo> now = done.target->NextSealed(done.info.base());
  const bool is_current = now && now->segment == done.info.segment;
  {
    absl::MutexLock lock(&stats_mu_);
    ++stats_.segments;
    stats_.faults += is_current ? done.damage_count : 0;
  }
  if (is_current) {
    for (const std::string& damage : done.damages) {
      on_damage_(damage);
    }
  }
}

}  // namespace sluice::storage
