// Sends records: batched by partition, pipelined, retried in order, and by default idempotent (KIP-98).
//
//   auto producer = (*client)->NewProducer({.linger = 2ms});
//   absl::Status queued = (*producer)->Send(
//       {.topic = "orders", .key = sluice::BytesOf("k1"), .value = sluice::BytesOf("hello")},
//       [](const absl::StatusOr<sluice::Delivery>& delivery) { ... });
//   absl::Status all = (*producer)->Flush(30s);
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sluice/options.h"
#include "sluice/record.h"

namespace sluice {

namespace client_internal {
class ProducerCore;
}

// Called once for each record that was queued with it, on the client's I/O thread, in the order of offsets
// within a partition. It must not block, wait on a future of this client, or call Flush or Close; it may call
// TrySend. Send from it never waits: it behaves like TrySend there.
using DeliveryCallback = std::function<void(const absl::StatusOr<Delivery>&)>;

// Thread-safe: any thread may send. No thread has to poll for deliveries.
class Producer {
 public:
  struct Stats {
    uint64_t records_acked = 0;  // With Acks::kNone: written to the socket.
    uint64_t records_failed = 0;
    uint64_t bytes_acked = 0;  // Of batches, as they were sent: compressed.
    uint64_t batches_acked = 0;
    uint64_t batches_retried = 0;
    uint64_t batches_split = 0;  // Too large for their topic, and sent again as two.
    size_t buffered_bytes = 0;  // Now waiting for an ack, before compression.
  };

  // Flushes for at most close_timeout; see Close.
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  // Queues a copy of the record. OK means queued: whether it was delivered, `done` or Flush tells. Blocks
  // only when the topic is not known yet or the buffer is full, for at most max_block; then NotFound,
  // Unavailable, DeadlineExceeded or ResourceExhausted. InvalidArgument when the record is larger than
  // request_bytes_max or the partition does not exist. `done` is called only when this returned OK.
  absl::Status Send(const Message& message, DeliveryCallback done = nullptr);

  // The same, and the future becomes ready with what `done` would be told, or at once when queueing failed.
  std::future<absl::StatusOr<Delivery>> SendWithFuture(const Message& message);

  // Never blocks: ResourceExhausted when the buffer is full, Unavailable when the topic is not known yet (it
  // is then being looked up).
  absl::Status TrySend(const Message& message, DeliveryCallback done = nullptr);

  // Sends what is queued now without lingering and waits until all of it has been acked or has failed;
  // callbacks of these records have run by then. The first error since the last Flush, DeadlineExceeded when
  // time runs out.
  absl::Status Flush(milliseconds timeout);

  // Flush; then whatever is left fails with DeadlineExceeded, and later sends fail with Cancelled. Returns
  // what Flush did. Idempotent. Never waits longer than `timeout` and some milliseconds, even when no broker
  // answers.
  absl::Status Close(milliseconds timeout);

  Stats stats() const;

  // For Client.
  explicit Producer(std::shared_ptr<client_internal::ProducerCore> core);

 private:
  std::shared_ptr<client_internal::ProducerCore> core_;
};

}  // namespace sluice
