// An AppendRequest becomes one record batch, checked and appended as if a Kafka producer had sent it.
#pragma once

#include <grpcpp/support/status.h>

#include <atomic>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "broker/topic/catalog.h"
#include "proto/base/clock.h"
#include "sluice/v1/log.pb.h"
#include "storage/disk/executor.h"

namespace sluice::broker {

// Thread-safe. The destructor waits for appends that the pool has not made yet; those that only wait for the
// disk need the catalog and the pool, not this.
class Appender {
 public:
  Appender(Catalog& catalog, storage::Executor& pool, Clock& clock)
      : catalog_(catalog), pool_(pool), clock_(clock) {}
  ~Appender();

  struct Callbacks {
    // The batch has its place in the log, or will never have one. Not called when null.
    absl::AnyInvocable<void(bool appended)> on_appended;
    // Once, after on_appended: as ACKS_ALL or ACKS_LEADER asked.
    absl::AnyInvocable<void(grpc::Status, v1::AppendResponse)> on_done;
  };
  // Calls back on the caller's thread or the pool's. `request` is not used after this call returns.
  void Append(const v1::AppendRequest& request, Callbacks callbacks);

 private:
  struct Batch;

  grpc::Status Prepare(const v1::AppendRequest& request, Batch* batch);
  grpc::Status ChoosePartition(const v1::AppendRequest& request, Batch* batch);
  grpc::Status BuildBatch(const v1::AppendRequest& request, int64_t now_ms, Batch* batch);
  void Appended(const std::shared_ptr<Batch>& batch, const storage::AppendOutcome& outcome);
  void AnswerWhenCommitted(const std::shared_ptr<Batch>& batch, Offset next_offset);

  Catalog& catalog_;
  storage::Executor& pool_;
  Clock& clock_;
  std::atomic<uint32_t> next_partition_ = 0;  // For records without a key.

  absl::Mutex mu_;
  int64_t appending_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace sluice::broker
