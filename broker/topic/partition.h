// A partition as the broker sees it: its log, and who waits for the log to grow.
//
// Threads: every method from any thread. Callbacks run on the thread that moved the log (a network thread,
// the flusher): they must not block; hand over to your own executor.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "proto/base/ids.h"
#include "storage/log/log.h"

namespace sluice::broker {

// Hears at most once per registration.
class PartitionWaiter {
 public:
  virtual ~PartitionWaiter() = default;
  // Under no lock.
  virtual void OnPartitionChanged() = 0;
  // Before that, and before a producer is told that its records are committed; left out where the partition
  // ends. Under the partition's lock: it must not call the partition, nor let go of what may do so.
  virtual void NotePartitionMoved() {}
};

class Partition {
 public:
  Partition(std::string topic, PartitionId id, LeaderEpoch epoch, std::shared_ptr<storage::Log> log);
  ~Partition();

  const std::string& topic() const { return topic_; }
  PartitionId id() const { return id_; }
  LeaderEpoch leader_epoch() const { return epoch_; }
  storage::Log& log() { return *log_; }

  // Why the partition is offline: damaged, or its log dir's disk failed. OK while it serves. An offline one
  // stays so until the next start.
  absl::Status health() const { return log_->health(); }
  bool offline() const { return !health().ok(); }

  // What consumers may read up to. One replica: the log's readable end. Without open transactions it is also
  // the last stable offset.
  Offset high_watermark() const { return log_->readable_end(); }
  Offset last_stable_offset() const { return high_watermark(); }

  // Where the largest epoch <= `epoch` ends, as Kafka's leader says it (KIP-320). Ours ends where the log
  // does, also before its first record; so does an earlier one after which nothing was written. Empty for an
  // epoch that never was.
  std::optional<storage::EpochEnd> FindEpochEnd(LeaderEpoch epoch) const;

  // Calls `done` once everything before `offset` is on the disk (acks=all on a synced topic; at once on a
  // page-cache one), or with an error when that will never be: topic deleted, or the partition went offline.
  // Nothing is committed from then on, not even what reached the disk before.
  void AwaitCommitted(Offset offset, absl::AnyInvocable<void(absl::Status)> done);

  // `waiter` hears of the next move of the high watermark or of the log's start, or that the partition ended
  // or is offline; keep it alive by the shared_ptr. Look again after this call: a move before it is not told.
  void AddWaiter(std::shared_ptr<PartitionWaiter> waiter);
  void RemoveWaiter(const PartitionWaiter* waiter);

  // As if the high watermark had moved. Commits are not touched.
  void WakeWaiters();

  // The topic is being deleted, or the broker stops: every waiter is told, now and from now on.
  void Close();
  bool closed() const;

 private:
  class Waits;

  const std::string topic_;
  const PartitionId id_;
  const LeaderEpoch epoch_;
  const std::shared_ptr<storage::Log> log_;  // Shared with the log dir, and with reads in flight.
  // Shared with the log's listener: a log may move once more after its partition is gone.
  const std::shared_ptr<Waits> waits_;
};

}  // namespace sluice::broker
