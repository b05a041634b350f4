// Collects records into batches, one open batch for each partition, within a bounded memory. Application
// threads put records in; the sender takes batches out. Thread-safe: one mutex, held for the copy of a record
// at most.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "client/internal/batch.h"
#include "proto/base/random.h"
#include "sluice/options.h"

namespace sluice::client_internal {

class Accumulator {
 public:
  struct Hooks {
    // Both are called on any thread, without the mutex.
    std::function<void()> wake;                             // There is something to send, or a timer to set.
    std::function<void(const std::string& topic)> look_up;  // A topic that is not known is wanted.
    std::function<bool()> on_loop_thread;                   // Where waiting would wait for itself.
  };

  Accumulator(const ProducerOptions& options, Hooks hooks);

  // See Producer::Send and TrySend.
  absl::Status Append(const Message& message, DeliveryCallback done, bool may_block);
  absl::Status Flush(absl::Duration timeout);
  // Appends fail from now on, waiting ones too.
  void Shut();

  // What follows is for the sender, on the loop's thread.
  absl::Mutex& mu() ABSL_LOCK_RETURNED(mu_) { return mu_; }
  std::vector<PartitionQueue*>& active() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return active_; }
  absl::flat_hash_map<std::string, std::unique_ptr<TopicQueues>>& topics()
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return topics_;
  }
  // True while batches shall go out without lingering.
  bool urgent() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return flushing_ > 0 || waiting_for_space_ > 0 || shut_;
  }
  void MarkActive(PartitionQueue& partition) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // A topic was looked up: its queues may have changed, and threads may wait for it.
  void TopicChanged() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { changed_.SignalAll(); }
  // The drain that `wake` asked for has begun.
  void WakeSeen() { wake_asked_.store(false, std::memory_order_release); }
  void Seal(Batch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Its callbacks have run: the memory is free again, and flushes may go on.
  void Release(Batch& batch, const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // In place of a batch that is too large; on error it stays as it is.
  struct Halves {
    std::unique_ptr<Batch> first;
    std::unique_ptr<Batch> second;
  };
  absl::StatusOr<Halves> Split(std::unique_ptr<Batch>& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The batch itself may be used for other records.
  void Recycle(std::unique_ptr<Batch> batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What stands in the way of deliveries at the moment, for the messages of timeouts.
  void SetProblem(const absl::Status& problem) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { problem_ = problem; }
  const absl::Status& problem() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return problem_; }
  size_t buffered_bytes() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return buffered_bytes_; }

 private:
  absl::StatusOr<TopicQueues*> FindTopic(absl::string_view name, bool may_block, absl::Duration deadline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status ReserveSpace(size_t bytes, bool may_block, absl::Duration deadline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<PartitionQueue*> ChoosePartition(TopicQueues& topic, const Message& message)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The open batch with room for a record of `record_bytes`. Sets `wake` when the sender must know.
  Batch& OpenBatch(PartitionQueue& partition, size_t record_bytes, bool* wake)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::unique_ptr<Batch> NewBatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void WakeOnce();

  const ProducerOptions options_;
  const record::BatchOptions batch_options_;
  const Hooks hooks_;
  std::atomic<bool> wake_asked_{false};

  absl::Mutex mu_;
  absl::CondVar changed_;  // A topic became known, space was freed, a flush is done, or shut_ was set.
  bool shut_ ABSL_GUARDED_BY(mu_) = false;
  absl::flat_hash_map<std::string, std::unique_ptr<TopicQueues>> topics_ ABSL_GUARDED_BY(mu_);
  TopicQueues* last_topic_ ABSL_GUARDED_BY(mu_) = nullptr;
  std::vector<PartitionQueue*> active_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_set<Batch*> unfinished_ ABSL_GUARDED_BY(mu_);
  std::vector<std::unique_ptr<Batch>> idle_ ABSL_GUARDED_BY(mu_);
  size_t buffered_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  int waiting_for_space_ ABSL_GUARDED_BY(mu_) = 0;
  int flushing_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status flush_error_ ABSL_GUARDED_BY(mu_);  // The first since the last Flush.
  absl::Status problem_ ABSL_GUARDED_BY(mu_);
  Random random_ ABSL_GUARDED_BY(mu_) = Random::FromSystem();
};

}  // namespace sluice::client_internal
