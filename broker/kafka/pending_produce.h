// The answer to a Produce request with acks=all while its batches are on their way to the disk.
//
// The handler does not wait for it: the connection's next request is read and appended meanwhile, so that one
// sync covers many requests. Whoever completes the last partition (the thread that synced, or the timeout)
// sends the answer.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "broker/kafka/reply.h"
#include "broker/topic/partition.h"
#include "proto/kafka/error_code.h"
#include "proto/kafka/gen/produce.h"

namespace sluice::broker {

// Thread-safe. Shared by the partitions it waits for; the connection's timeouts only watch it.
class PendingProduce : public std::enable_shared_from_this<PendingProduce> {
 public:
  // Where in the response a partition's answer stands, and what it waits for.
  struct Wait {
    Partition* partition = nullptr;
    Offset offset;  // One past the batch.
    size_t topic_index = 0;
    size_t partition_index = 0;
  };

  PendingProduce(ReplyTo to, kafka::ProduceResponse response, std::vector<Wait> waits, ResponseSlot slot);

  // Once. The partitions must live until it returns.
  void Start();
  // Partitions that are not on the disk by now are answered with REQUEST_TIMED_OUT. Their records may still
  // get there.
  void Expire();
  bool finished() const;

 private:
  void Complete(size_t wait_index, const absl::Status& status);
  void SetError(const Wait& wait, kafka::ErrorCode code, absl::string_view message)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Sends once nothing is left.
  void Finish() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const ReplyTo to_;
  mutable absl::Mutex mu_;
  std::vector<Wait> waits_ ABSL_GUARDED_BY(mu_);
  std::vector<bool> done_ ABSL_GUARDED_BY(mu_);
  size_t left_ ABSL_GUARDED_BY(mu_);
  kafka::ProduceResponse response_ ABSL_GUARDED_BY(mu_);
  ResponseSlot slot_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sluice::broker
