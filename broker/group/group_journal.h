// The order in which a shard's records reach its partition of __consumer_offsets, and the rule that goes with
// it: an answer leaves when everything that it rests on is on the disk.
//
//   journal.Write(std::move(records));                     // In the order of these calls.
//   journal.Answer([...](bool kept) { ... });              // Called when all that was written before is
//   durable.
//
// One append is under way at a time; what comes meanwhile goes into the next one together. So commits of many
// consumers share a batch, and a sync. An append or a sync that fails ends the journal: every answer that
// waits, and every later one, is told that nothing was kept, and `on_failure` is called, once.
//
// Thread-safe. Callbacks run on any thread, never under a lock of the journal; answers in the order of their
// calls.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "broker/group/group_records.h"
#include "broker/topic/append.h"
#include "broker/topic/partition.h"
#include "proto/base/clock.h"
#include "proto/record/batch_builder.h"
#include "storage/disk/executor.h"

namespace sluice::broker {

class GroupJournal : public std::enable_shared_from_this<GroupJournal> {
 public:
  using OnAnswer = absl::AnyInvocable<void(bool kept)>;
  struct Parts {
    std::shared_ptr<Partition> partition;  // Shared with the catalog.
    storage::Executor& pool;
    Clock& clock;
    absl::AnyInvocable<void(absl::Status)> on_failure;
  };
  explicit GroupJournal(Parts parts) : parts_(std::move(parts)) {}

  // The records of one change: all of them are kept, or none. Nothing is appended before Flush().
  void Write(std::vector<GroupRecord> records);
  void Answer(OnAnswer answer);
  // Appends what was written and gives the answers that nothing holds back: after each change, outside of the
  // locks under which it was made.
  void Flush();
  // So much waits for the disk that whoever has more to write is to come again.
  bool is_full() const;
  static constexpr uint64_t kChangesMax = 10'000;       // Not on the disk yet.
  static constexpr size_t kWaitingBytesMax = 16 << 20;  // Of records that are not in a batch yet.

 private:
  static constexpr uint64_t kNever = UINT64_MAX;
  struct Held {
    uint64_t change = 0;  // Waits for this one, and so for all before it.
    OnAnswer answer;
  };
  // Records of a batch, of so many bytes at the most, as long as one change alone is not larger.
  static constexpr size_t kBatchBytesMax = 512 << 10;

  bool BuildNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnAppended(uint64_t through, const storage::AppendOutcome& outcome);
  void OnCommitted(uint64_t through, const absl::Status& status);
  void Fail(const absl::Status& status);
  void GiveAnswers();

  Parts parts_;
  mutable absl::Mutex mu_;
  std::deque<std::vector<GroupRecord>> waiting_ ABSL_GUARDED_BY(mu_);  // Changes that are not in a batch yet.
  size_t waiting_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t written_ ABSL_GUARDED_BY(mu_) = 0;  // Changes so far,
  uint64_t built_ ABSL_GUARDED_BY(mu_) = 0;    // in a batch,
  uint64_t durable_ ABSL_GUARDED_BY(mu_) = 0;  // on the disk.
  std::deque<Held> held_ ABSL_GUARDED_BY(mu_);
  bool appending_ ABSL_GUARDED_BY(mu_) = false;
  bool appended_at_once_ ABSL_GUARDED_BY(mu_) = false;  // Flush() itself goes on, instead of calling itself.
  bool flushing_ ABSL_GUARDED_BY(mu_) = false;
  bool answering_ ABSL_GUARDED_BY(mu_) = false;
  bool failed_ ABSL_GUARDED_BY(mu_) = false;
  record::BatchBuilder builder_;  // Whoever set appending_.
};

}  // namespace sluice::broker
