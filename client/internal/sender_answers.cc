// The half of the sender that deals with what came back: acks, retries, failures, lost sequences, timeouts.
#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "client/internal/batch_split.h"
#include "client/internal/sender.h"
#include "client/internal/status.h"
#include "proto/base/check.h"

namespace sluice::client_internal {
namespace {

using kafka::ErrorCode;

constexpr absl::Duration kBackoffMax = absl::Seconds(1);
constexpr absl::Duration kExpiryCheckInterval = absl::Milliseconds(50);

std::string NameOf(const PartitionQueue& partition) {
  return absl::StrCat("partition ", partition.topic->name, "-", partition.index);
}

// Where the answer for each batch of a request is: by topic name or id, and partition.
const kafka::ProduceResponse::PartitionProduceResponse* FindResult(const kafka::ProduceResponse& response,
                                                                   const PartitionQueue& partition) {
  for (const auto& topic : response.responses) {
    const bool same =
        topic.name.empty() ? topic.topic_id == partition.topic->id : topic.name == partition.topic->name;
    if (!same) {
      continue;
    }
    for (const auto& result : topic.partition_responses) {
      if (result.index == partition.index) {
        return &result;
      }
    }
  }
  return nullptr;
}

absl::string_view Advice(ErrorCode code) {
  switch (code) {
    case ErrorCode::kMessageTooLarge:
    case ErrorCode::kRecordListTooLarge:
      return "raise the topic's max.message.bytes, or lower the producer's batch_bytes";
    case ErrorCode::kUnknownTopicOrPartition:
      return "was the topic deleted?";
    case ErrorCode::kTopicAuthorizationFailed:
    case ErrorCode::kClusterAuthorizationFailed:
      return "ask for the permission, or connect as somebody else";
    default:
      return "";
  }
}

}  // namespace

void Sender::OnAnswer(Cargo& cargo, const absl::StatusOr<Answer<kafka::ProduceResponse>>& answer) {
  --nodes_[cargo.node].in_flight;
  std::erase_if(in_flight_, [&](const auto& other) { return other.get() == &cargo; });
  {
    absl::MutexLock lock(&accumulator_.mu());
    if (!answer.ok()) {
      accumulator_.SetProblem(answer.status());
    }
    for (std::unique_ptr<Batch>& batch : cargo.batches) {
      PartitionQueue& partition = *batch->partition;
      --partition.in_flight;
      if (!answer.ok()) {
        const bool retry = absl::IsUnavailable(answer.status()) ||
                           absl::IsDeadlineExceeded(answer.status()) || absl::IsCancelled(answer.status()) ||
                           absl::IsDataLoss(answer.status());
        if (retry) {
          Requeue(std::move(batch), answer.status(), true);
        } else {
          Fail(std::move(batch), answer.status());
        }
      } else if (options_.acks == Acks::kNone) {
        Settle(std::move(batch), nullptr);
      } else if (const ProduceResult* result = FindResult(answer->message, partition); result != nullptr) {
        Settle(std::move(batch), result);
      } else {
        Requeue(
            std::move(batch),
            absl::UnavailableError(absl::StrCat("the broker's answer does not mention ", NameOf(partition))),
            true);
      }
      Landed(partition);
    }
  }
  if (!answer.ok() && !stopped_) {
    core_.metadata().RefreshSoon();
  }
  Drain();
}

void Sender::Settle(std::unique_ptr<Batch> batch, const ProduceResult* result) {
  const auto code = static_cast<ErrorCode>(result != nullptr ? result->error_code : 0);
  // A duplicate was appended by an earlier attempt whose answer was lost, too long ago for its offset to be
  // known.
  if (code != ErrorCode::kNone && code != ErrorCode::kDuplicateSequenceNumber) {
    SettleError(std::move(batch), result->error_code, result->error_message.value_or(""));
    return;
  }
  accumulator_.SetProblem(absl::OkStatus());
  batch->partition->counting |= batch->sequenced;
  const bool known = result != nullptr && code == ErrorCode::kNone;
  if (!batch->reported) {
    counters_.records_acked += static_cast<uint64_t>(batch->builder.record_count());
    counters_.bytes_acked += batch->bytes.size();
    ++counters_.batches_acked;
  }
  finished_.push_back({.batch = std::move(batch),
                       .status = absl::OkStatus(),
                       .base_offset = known ? result->base_offset : -1,
                       .log_append_time_ms = known ? result->log_append_time_ms : -1});
}

void Sender::SettleError(std::unique_ptr<Batch> batch, int16_t wire_code, absl::string_view reason) {
  const auto code = static_cast<ErrorCode>(wire_code);
  PartitionQueue& partition = *batch->partition;
  const absl::Status status =
      KafkaStatus(wire_code, absl::StrCat("send to ", NameOf(partition)), reason, Advice(code));
  accumulator_.SetProblem(status);
  if (MeansStaleMetadata(wire_code)) {
    core_.metadata().RefreshSoon();
  }
  const bool sequence_error =
      code == ErrorCode::kOutOfOrderSequenceNumber || code == ErrorCode::kUnknownProducerId ||
      code == ErrorCode::kInvalidProducerEpoch || code == ErrorCode::kInvalidProducerIdMapping;
  if (sequence_error && batch->sequenced) {
    // Behind a batch that waits for its retry a gap is no news. At the head it means that the broker lost
    // count.
    const bool at_head = partition.waiting.empty() || !partition.waiting.front()->sequenced ||
                         partition.waiting.front()->ordinal > batch->ordinal;
    if (at_head) {
      StartReset(partition);
    }
    Requeue(std::move(batch), status, at_head);
    return;
  }
  const bool too_large = code == ErrorCode::kMessageTooLarge || code == ErrorCode::kRecordListTooLarge;
  if (too_large && SplitAndPutBack(batch, status)) {
    return;
  }
  if (kafka::IsRetriable(code)) {
    Requeue(std::move(batch), status, true);
  } else {
    Fail(std::move(batch), status);
  }
}

void Sender::Landed(PartitionQueue& partition) {
  if (partition.in_flight == 0 && partition.resetting) {
    ResetSequence(partition);
  }
}

void Sender::Requeue(std::unique_ptr<Batch> batch, absl::Status why, bool backoff) {
  if (batch->reported) {
    // It timed out while in flight, and whether it was appended nobody will know: its sequence is lost.
    StartReset(*batch->partition);
    finished_.push_back({.batch = std::move(batch), .status = std::move(why)});
    return;
  }
  batch->attempts += backoff ? 1 : 0;  // Being refused behind another is not an attempt of its own.
  ++counters_.batches_retried;
  batch->last_error = std::move(why);
  batch->not_before = backoff ? MonotonicNow() + core_.Backoff(absl::FromChrono(options_.retry_backoff),
                                                               kBackoffMax, batch->attempts)
                              : -absl::InfiniteDuration();
  PutBack(std::move(batch));
}

void Sender::PutBack(std::unique_ptr<Batch> batch) {
  PartitionQueue& partition = *batch->partition;
  const auto place = std::find_if(partition.waiting.begin(), partition.waiting.end(),
                                  [&](const auto& other) { return other->ordinal > batch->ordinal; });
  partition.waiting.insert(place, std::move(batch));
  accumulator_.MarkActive(partition);
}

// Batches behind it that were refused for the gap follow by themselves: the sequences stay.
bool Sender::SplitAndPutBack(std::unique_ptr<Batch>& batch, const absl::Status& why) {
  if (!CanSplit(*batch)) {
    return false;
  }
  batch->last_error = why;
  absl::StatusOr<Accumulator::Halves> halves = accumulator_.Split(batch);
  if (!halves.ok()) {
    return false;
  }
  ++counters_.batches_split;
  PutBack(std::move(halves->first));
  PutBack(std::move(halves->second));
  return true;
}

void Sender::Fail(std::unique_ptr<Batch> batch, absl::Status why) {
  if (batch->sequenced) {
    StartReset(*batch->partition);  // The broker will miss its sequence.
  }
  if (!batch->reported) {
    counters_.records_failed += static_cast<uint64_t>(batch->builder.record_count());
  }
  finished_.push_back({.batch = std::move(batch), .status = std::move(why)});
}

void Sender::StartReset(PartitionQueue& partition) {
  if (options_.idempotent && partition.producer_id != kNoProducerId) {
    partition.resetting = true;
  }
}

// Under a new epoch the broker takes any history of this producer for ended, and expects sequence 0
// (KIP-360).
void Sender::ResetSequence(PartitionQueue& partition) {
  partition.resetting = false;
  partition.next_sequence = 0;
  partition.counting = false;
  if (partition.epoch.value() == std::numeric_limits<int16_t>::max()) {
    if (partition.producer_id == producer_id_) {
      producer_id_ = kNoProducerId;  // Used up: the next drain asks for another.
    }
    partition.producer_id = kNoProducerId;
  } else {
    partition.epoch = partition.epoch + 1;
  }
  for (const std::unique_ptr<Batch>& batch : partition.waiting) {
    batch->sequenced = false;
  }
}

absl::Status Sender::TimeoutStatus(const Batch& batch) const {
  const absl::Status& cause = batch.last_error.ok() ? accumulator_.problem() : batch.last_error;
  return absl::DeadlineExceededError(absl::StrCat(
      "send to ", NameOf(*batch.partition), ": not acknowledged within delivery_timeout = ",
      absl::FormatDuration(absl::FromChrono(options_.delivery_timeout)), " after ", batch.attempts,
      " retries", cause.ok() ? "" : absl::StrCat("; the latest problem: ", cause.message())));
}

void Sender::ExpireWaiting(absl::Duration now) {
  const absl::Duration timeout = absl::FromChrono(options_.delivery_timeout);
  for (PartitionQueue* partition : accumulator_.active()) {
    while (!partition->waiting.empty() && partition->waiting.front()->created + timeout <= now) {
      std::unique_ptr<Batch> batch = std::move(partition->waiting.front());
      partition->waiting.pop_front();
      absl::Status why = TimeoutStatus(*batch);
      Fail(std::move(batch), std::move(why));
    }
    Landed(*partition);
  }
}

// The callbacks run on time, but the memory stays until the connection has let go of it.
void Sender::ExpireInFlight(absl::Duration now) {
  if (now < next_expiry_check_) {
    return;
  }
  next_expiry_check_ = now + kExpiryCheckInterval;
  const absl::Duration timeout = absl::FromChrono(options_.delivery_timeout);
  std::vector<std::pair<Batch*, absl::Status>> expired;
  {
    absl::MutexLock lock(&accumulator_.mu());
    for (const std::shared_ptr<Cargo>& cargo : in_flight_) {
      for (const std::unique_ptr<Batch>& batch : cargo->batches) {
        if (batch != nullptr && !batch->reported && batch->created + timeout <= now) {
          batch->reported = true;
          counters_.records_failed += static_cast<uint64_t>(batch->builder.record_count());
          expired.emplace_back(batch.get(), TimeoutStatus(*batch));
        }
      }
    }
  }
  for (auto& [batch, status] : expired) {
    for (Completion& completion : std::exchange(batch->completions, {})) {
      completion.done(status);
    }
    absl::MutexLock lock(&accumulator_.mu());
    accumulator_.Release(*batch, status);
  }
}

void Sender::Report() {
  if (reporting_) {
    return;  // A callback led back here; the loop below goes on.
  }
  reporting_ = true;
  while (!finished_.empty()) {
    std::vector<Finished> finished = std::exchange(finished_, {});
    for (Finished& one : finished) {
      RunCallbacks(one);
    }
    absl::MutexLock lock(&accumulator_.mu());
    for (Finished& one : finished) {
      if (!one.batch->reported) {
        accumulator_.Release(*one.batch, one.status);
      }
      accumulator_.Recycle(std::move(one.batch));
    }
  }
  reporting_ = false;
}

void Sender::RunCallbacks(Finished& finished) {
  Batch& batch = *finished.batch;
  for (Completion& completion : batch.completions) {
    if (!finished.status.ok()) {
      completion.done(finished.status);
      continue;
    }
    completion.done(
        Delivery{.partition = batch.partition->index,
                 .offset = finished.base_offset < 0 ? -1 : finished.base_offset + completion.record_index,
                 .timestamp_ms = finished.log_append_time_ms >= 0 ? finished.log_append_time_ms
                                                                  : completion.timestamp_ms});
  }
  batch.completions.clear();
}

void Sender::AskProducerId() {
  if (std::exchange(asking_producer_id_, true)) {
    return;
  }
  kafka::InitProducerIdRequest request;
  request.transaction_timeout_ms = static_cast<int32_t>(core_.options().request_timeout.count());
  core_.Call<kafka::InitProducerIdRequest>(
      {}, std::move(request), core_.request_timeout(),
      lifetime_.Guard([this](const absl::StatusOr<Answer<kafka::InitProducerIdResponse>>& answer) {
        OnProducerId(answer);
      }));
}

void Sender::OnProducerId(const absl::StatusOr<Answer<kafka::InitProducerIdResponse>>& answer) {
  absl::Status status = answer.status();
  if (status.ok()) {
    status = KafkaStatus(answer->message.error_code, "get a producer id (InitProducerId)", {},
                         "or set ProducerOptions::idempotent to false");
  }
  if (status.ok()) {
    producer_id_ = ProducerId(answer->message.producer_id);
    epoch_ = ProducerEpoch(answer->message.producer_epoch);
    asking_producer_id_ = false;
    producer_id_failures_ = 0;
    core_.loop().Post(lifetime_.Guard([this] { Drain(); }));
    return;
  }
  {
    absl::MutexLock lock(&accumulator_.mu());
    accumulator_.SetProblem(status);
  }
  const bool retry = answer.ok() ? kafka::IsRetriable(static_cast<ErrorCode>(answer->message.error_code))
                                 : !absl::IsUnimplemented(status);
  if (!retry) {
    asking_producer_id_ = false;
    FailWaiting(status);
    return;
  }
  // asking_producer_id_ stays set until the backoff is over.
  auto timer = std::make_shared<asio::steady_timer>(core_.loop().context());  // Shared with its handler.
  timer->expires_after(absl::ToChronoNanoseconds(
      core_.Backoff(absl::FromChrono(options_.retry_backoff), kBackoffMax, ++producer_id_failures_)));
  timer->async_wait(lifetime_.Guard([this, timer](const asio::error_code&) {
    asking_producer_id_ = false;
    Drain();
  }));
}

void Sender::FailWaiting(const absl::Status& why) {
  {
    absl::MutexLock lock(&accumulator_.mu());
    for (PartitionQueue* partition : accumulator_.active()) {
      while (!partition->waiting.empty()) {
        std::unique_ptr<Batch> batch = std::move(partition->waiting.front());
        partition->waiting.pop_front();
        Fail(std::move(batch), why);
      }
      Landed(*partition);
    }
  }
  Report();
}

}  // namespace sluice::client_internal
