#include "broker/group/group_journal.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/base/check.h"

namespace sluice::broker {
namespace {

size_t SizeOf(const std::vector<GroupRecord>& records) {
  size_t size = 0;
  for (const GroupRecord& record : records) {
    size += record::BatchBuilder::RecordSizeMax(
        ByteView(record.key), record.value ? std::optional(ByteView(*record.value)) : std::nullopt);
  }
  return size;
}

absl::Status StatusOf(const storage::AppendOutcome& outcome) {
  if (outcome.code == storage::AppendCode::kOk) {
    return absl::OkStatus();
  }
  return outcome.status.ok() ? absl::FailedPreconditionError(absl::StrCat("an append failed with code ",
                                                                          static_cast<int>(outcome.code)))
                             : outcome.status;
}

}  // namespace

void GroupJournal::Write(std::vector<GroupRecord> records) {
  absl::MutexLock lock(&mu_);
  if (!failed_ && !records.empty()) {
    ++written_;
    waiting_bytes_ += SizeOf(records);
    waiting_.push_back(std::move(records));
  }
}

bool GroupJournal::is_full() const {
  absl::MutexLock lock(&mu_);
  return written_ - durable_ >= kChangesMax || waiting_bytes_ >= kWaitingBytesMax;
}

void GroupJournal::Answer(OnAnswer answer) {
  absl::MutexLock lock(&mu_);
  held_.push_back({failed_ ? kNever : written_, std::move(answer)});
}

// Appends batch after batch. One that has to wait for the disk pool goes on from there.
void GroupJournal::Flush() {
  GiveAnswers();
  while (true) {
    uint64_t through;
    {
      absl::MutexLock lock(&mu_);
      if (appending_ || failed_ || !BuildNext()) {
        return;
      }
      appending_ = true;
      flushing_ = true;
      appended_at_once_ = false;
      through = built_;
    }
    const absl::StatusOr<ByteView> batch = builder_.Build();
    CHECK(batch.ok());
    AppendBatch(
        {.partition = parts_.partition, .batch = record::BatchView(*batch), .now_ms = parts_.clock.NowMs()},
        parts_.pool, [journal = shared_from_this(), through](const storage::AppendOutcome& outcome) {
          journal->OnAppended(through, outcome);
        });
    absl::MutexLock lock(&mu_);
    flushing_ = false;
    if (!appended_at_once_) {
      return;
    }
  }
}

bool GroupJournal::BuildNext() {
  if (waiting_.empty()) {
    return false;
  }
  builder_.Reset();
  const int64_t now_ms = parts_.clock.NowMs();
  while (!waiting_.empty() &&
         (builder_.empty() || builder_.EstimatedSize() + SizeOf(waiting_.front()) <= kBatchBytesMax)) {
    for (const GroupRecord& record : waiting_.front()) {
      const absl::Status appended = builder_.Append(
          now_ms, ByteView(record.key), record.value ? std::optional(ByteView(*record.value)) : std::nullopt);
      CHECK(appended.ok());
    }
    waiting_bytes_ -= SizeOf(waiting_.front());
    waiting_.pop_front();
    ++built_;
  }
  return true;
}

void GroupJournal::OnAppended(uint64_t through, const storage::AppendOutcome& outcome) {
  bool go_on;
  {
    absl::MutexLock lock(&mu_);
    appending_ = false;
    appended_at_once_ = flushing_;
    go_on = !flushing_;
  }
  if (const absl::Status status = StatusOf(outcome); !status.ok()) {
    return Fail(status);
  }
  parts_.partition->AwaitCommitted(outcome.next_offset,
                                   [journal = shared_from_this(), through](const absl::Status& status) {
                                     journal->OnCommitted(through, status);
                                   });
  if (go_on) {
    Flush();
  }
}

void GroupJournal::OnCommitted(uint64_t through, const absl::Status& status) {
  if (!status.ok()) {
    return Fail(status);
  }
  {
    absl::MutexLock lock(&mu_);
    durable_ = std::max(durable_, through);
  }
  GiveAnswers();
}

void GroupJournal::Fail(const absl::Status& status) {
  {
    absl::MutexLock lock(&mu_);
    if (std::exchange(failed_, true)) {
      return;
    }
    waiting_.clear();
    waiting_bytes_ = 0;
  }
  GiveAnswers();
  parts_.on_failure(status);
}

// One thread at a time gives them, so that they keep their order.
void GroupJournal::GiveAnswers() {
  while (true) {
    OnAnswer answer;
    bool kept;
    {
      absl::MutexLock lock(&mu_);
      if (answering_ || held_.empty() || (!failed_ && held_.front().change > durable_)) {
        return;
      }
      answering_ = true;
      kept = held_.front().change <= durable_;
      answer = std::move(held_.front().answer);
      held_.pop_front();
    }
    answer(kept);
    absl::MutexLock lock(&mu_);
    answering_ = false;
  }
}

}  // namespace sluice::broker
