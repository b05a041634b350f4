// A batch of records on its way from Send to the ack, and the queue of one partition's batches.
//
//   Send --> open batch --seal--> waiting --Drain--> in flight --ack--> finished
//                                    ^                  |
//                                    +----- retry ------+     A retried batch keeps its bytes and its
//                                    sequence; one that is too large is split (batch_split.h).
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "proto/base/ids.h"
#include "proto/base/uuid.h"
#include "proto/record/batch_builder.h"
#include "sluice/producer.h"

namespace sluice::client_internal {

struct PartitionQueue;

// Between the ordinals of two batches there is room for the parts of the first, should it have to be split
// (batch_split.h): 24 times in halves, more than any batch has records for.
inline constexpr int64_t kOrdinalWidth = int64_t{1} << 24;

// Counts the batches that one Flush waits for. Guarded by the accumulator's mutex.
struct FlushGroup {
  int batches_left = 0;
};

struct Completion {
  int32_t record_index;
  int64_t timestamp_ms;
  DeliveryCallback done;
};

// Guarded by the accumulator's mutex until it is sealed and taken; then the loop's thread has it alone.
struct Batch {
  record::BatchBuilder builder;
  std::vector<Completion> completions;
  std::vector<std::shared_ptr<FlushGroup>> flushes;  // Shared with the threads that wait in Flush.
  PartitionQueue* partition = nullptr;
  int64_t ordinal = 0;  // Within its partition.
  int64_t ordinal_width = kOrdinalWidth;
  absl::Duration created;
  size_t reserved_bytes = 0;  // Of the buffer.
  bool sealed = false;

  // Sending.
  ByteView bytes;  // Of the builder, once built.
  bool sequenced = false;
  bool built = false;
  bool reported = false;  // Its callbacks have run: it timed out while in flight.
  int attempts = 0;
  absl::Duration not_before;  // Retry backoff.
  absl::Status last_error;
  int32_t base_sequence = kNoSequence;

  void Reset(const record::BatchOptions& options);
};

struct TopicQueues;

// Guarded by the accumulator's mutex.
struct PartitionQueue {
  TopicQueues* topic = nullptr;
  int32_t index = 0;
  std::deque<std::unique_ptr<Batch>> waiting;  // By ordinal; only the last may be open.
  int64_t next_ordinal = 0;
  bool active = false;  // Listed among those that may have something to send.

  int32_t leader = -1;
  int in_flight = 0;
  int32_t in_flight_node = -1;

  // Idempotence (KIP-98): each partition counts its own sequence, under its own epoch, from 0.
  ProducerId producer_id = kNoProducerId;
  ProducerEpoch epoch = kNoProducerEpoch;
  int32_t next_sequence = 0;
  // The broker has taken a batch under this id and epoch, and so knows where the count stands. Before, it takes
  // any sequence for the first: were two batches under way and the first refused, the second would get its place.
  bool counting = false;
  // A sequence was lost: once nothing is in flight, the epoch rises and the count starts again (KIP-360).
  bool resetting = false;
};

struct TopicQueues {
  std::string name;
  Uuid id;
  absl::Status status;  // Not OK: why the topic cannot be sent to.
  bool known = false;   // An answer about it has come.
  std::vector<std::unique_ptr<PartitionQueue>> partitions;
  int32_t sticky = -1;  // Where records without a key go at the moment.
};

}  // namespace sluice::client_internal
