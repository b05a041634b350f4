// Takes batches from the accumulator and brings them to their leaders: groups them into requests, keeps up to
// in_flight_max requests of each broker under way, retries in order, and keeps the sequence numbers of
// idempotence (KIP-98; after a loss the epoch of the partition rises and its count starts again, KIP-360).
//
// A partition's batches are in flight to one broker only, so that the order on its connection is their order.
// When one fails and is to be retried, those behind it are refused by the broker (a gap in the sequence) and
// follow it into the queue, where ordinals keep the order. Without idempotence nothing refuses them: retries
// may then reorder, unless in_flight_max is 1, as with every Kafka client.
//
// Loop thread only.
#pragma once

#include <asio/steady_timer.hpp>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "client/internal/accumulator.h"
#include "client/internal/core.h"
#include "client/internal/io_loop.h"
#include "proto/kafka/gen/init_producer_id.h"
#include "proto/kafka/gen/produce.h"

namespace sluice::client_internal {

class Sender {
 public:
  // Atomics: read by any thread.
  struct Counters {
    std::atomic<uint64_t> records_acked{0};
    std::atomic<uint64_t> records_failed{0};
    std::atomic<uint64_t> bytes_acked{0};
    std::atomic<uint64_t> batches_acked{0};
    std::atomic<uint64_t> batches_retried{0};
    std::atomic<uint64_t> batches_split{0};
  };

  Sender(Core& core, Accumulator& accumulator, const ProducerOptions& options);

  // Sends what can be sent, fails what is too old, and sets the timer for the rest.
  void Drain();
  void LookUpTopic(const std::string& topic);
  // Fails everything that is left with `why`. Nothing runs afterwards.
  void Stop(const absl::Status& why);

  const Counters& counters() const { return counters_; }

 private:
  using ProduceResult = kafka::ProduceResponse::PartitionProduceResponse;

  // What one Produce request carries.
  struct Cargo {
    int32_t node = -1;
    std::vector<std::unique_ptr<Batch>> batches;
    std::vector<ByteView> external;  // Their bytes.
    size_t bytes = 0;                // Before compression.
  };
  struct Finished {
    std::unique_ptr<Batch> batch;
    absl::Status status;
    int64_t base_offset = -1;
    int64_t log_append_time_ms = -1;
  };
  struct Node {
    int in_flight = 0;
    bool connecting = false;
  };

  // Metadata.
  void OnMetadata();
  bool ApplyTopic(TopicQueues& topic) ABSL_EXCLUSIVE_LOCKS_REQUIRED(accumulator_.mu());
  void CheckLookUp(const std::string& topic, absl::Duration started);

  // Choosing.
  struct Plan {
    std::map<int32_t, std::shared_ptr<Cargo>> cargos;  // Shared with the answer's handler.
    std::vector<int32_t> to_connect;
    absl::Duration next_look = absl::InfiniteDuration();
    bool metadata_stale = false;
    bool need_producer_id = false;
  };
  Plan MakePlan() ABSL_EXCLUSIVE_LOCKS_REQUIRED(accumulator_.mu());
  void PlanPartition(PartitionQueue& partition, absl::Duration now, Plan* plan)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(accumulator_.mu());
  // When the batch may go: now or before.
  absl::Duration ReadyAt(const Batch& batch) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(accumulator_.mu());
  bool Sequence(Batch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(accumulator_.mu());
  void ExpireWaiting(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(accumulator_.mu());
  void ExpireInFlight(absl::Duration now);
  absl::Status TimeoutStatus(const Batch& batch) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(accumulator_.mu());
  void Connect(int32_t node);
  void SetTimer(absl::Duration at);

  // Sending.
  absl::Status BuildBatches(Cargo& cargo);
  void SendCargo(std::shared_ptr<Cargo> cargo);
  kafka::ProduceRequest MakeRequest(const Cargo& cargo) const;
  int16_t VersionCap(const Cargo& cargo) const;

  // Answers.
  void OnAnswer(Cargo& cargo, const absl::StatusOr<Answer<kafka::ProduceResponse>>& answer);
  void Settle(std::unique_ptr<Batch> batch, const ProduceResult* result)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(accumulator_.mu());
  void SettleError(std::unique_ptr<Batch> batch, int16_t code, absl::string_view reason)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(accumulator_.mu());
  void Landed(PartitionQueue& partition) ABSL_EXCLUSIVE_LOCKS_REQUIRED(accumulator_.mu());
  void Requeue(std::unique_ptr<Batch> batch, absl::Status why, bool backoff)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(accumulator_.mu());
  // In the place that its ordinal gives it.
  void PutBack(std::unique_ptr<Batch> batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(accumulator_.mu());
  // As two, at once; false: it has to fail.
  bool SplitAndPutBack(std::unique_ptr<Batch>& batch, const absl::Status& why)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(accumulator_.mu());
  void Fail(std::unique_ptr<Batch> batch, absl::Status why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(accumulator_.mu());
  void StartReset(PartitionQueue& partition) ABSL_EXCLUSIVE_LOCKS_REQUIRED(accumulator_.mu());
  void ResetSequence(PartitionQueue& partition) ABSL_EXCLUSIVE_LOCKS_REQUIRED(accumulator_.mu());
  // Runs the callbacks of what finished, then frees it. Without the mutex.
  void Report();
  void RunCallbacks(Finished& finished);

  // Idempotence.
  void AskProducerId();
  void OnProducerId(const absl::StatusOr<Answer<kafka::InitProducerIdResponse>>& answer);
  void FailWaiting(const absl::Status& why);

  Core& core_;
  Accumulator& accumulator_;
  const ProducerOptions options_;
  const ChannelId channel_;
  Counters counters_;
  Lifetime lifetime_;
  bool stopped_ = false;
  asio::steady_timer timer_;
  Metadata::ListenerId listener_;

  std::set<std::string> looking_up_;
  std::map<int32_t, Node> nodes_;
  std::vector<std::shared_ptr<Cargo>> in_flight_;  // Shared with the handlers of their answers.
  std::vector<Finished> finished_;
  bool reporting_ = false;
  absl::Duration next_expiry_check_ = -absl::InfiniteDuration();

  ProducerId producer_id_ = kNoProducerId;
  ProducerEpoch epoch_ = kNoProducerEpoch;
  bool asking_producer_id_ = false;
  int producer_id_failures_ = 0;
};

}  // namespace sluice::client_internal
