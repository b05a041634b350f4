// Appending: one short critical section.
#include <algorithm>
#include <limits>
#include <utility>

#include "proto/base/status_macros.h"
#include "storage/log/partition_log.h"
#include "storage/log/roll_jitter.h"

namespace sluice::storage {
namespace {

// Kafka's tools count offsets within a segment with 31 bits.
constexpr int64_t kOffsetsPerSegmentMax = std::numeric_limits<int32_t>::max();

AppendOutcome Only(AppendCode code) {
  AppendOutcome outcome;
  outcome.code = code;
  return outcome;
}

AppendOutcome StorageError(absl::Status status) {
  AppendOutcome outcome = Only(AppendCode::kStorageError);
  outcome.status = std::move(status);
  return outcome;
}

AppendOutcome Refusal(const ProducerState::Answer& answer) {
  switch (answer.verdict) {
    case ProducerVerdict::kOutOfOrderSequence:
      return Only(AppendCode::kOutOfOrderSequence);
    case ProducerVerdict::kInvalidEpoch:
      return Only(AppendCode::kInvalidProducerEpoch);
    default:
      break;
  }
  AppendOutcome outcome = Only(AppendCode::kDuplicate);
  outcome.base_offset = answer.duplicate.base_offset;
  outcome.next_offset = answer.duplicate.last_offset + 1;
  outcome.log_append_time_ms = answer.duplicate.log_append_time_ms;
  return outcome;
}

}  // namespace

AppendOutcome PartitionLog::TryAppend(const record::BatchView& batch, const AppendContext& context) {
  AfterAppend after;
  AppendOutcome outcome;
  {
    absl::MutexLock lock(&append_mu_);
    outcome = AppendLocked(batch, context, &after);
  }
  if (after.appended) {
    Finish(after);
  }
  if (!after.write_error.ok()) {
    context_.failure.Raise(after.write_error);
  }
  return outcome;
}

AppendOutcome PartitionLog::Append(const record::BatchView& batch, const AppendContext& context) {
  while (true) {
    AppendOutcome outcome = TryAppend(batch, context);
    if (outcome.code != AppendCode::kWouldBlock) {
      return outcome;
    }
    if (absl::Status made = MakeRoom(batch.size_bytes(), context.now_ms); !made.ok()) {
      return StorageError(std::move(made));
    }
  }
}

AppendOutcome PartitionLog::AppendLocked(const record::BatchView& batch, const AppendContext& context,
                                         AfterAppend* after) {
  if (closed()) {
    return Only(AppendCode::kClosed);
  }
  if (context_.failure.raised()) {
    return StorageError(health());
  }
  const ProducerState::Answer answer = producers_.Check(batch);
  if (answer.verdict != ProducerVerdict::kAccept) {
    return Refusal(answer);
  }
  if (batch.size_bytes() > static_cast<uint64_t>(options_.segment_bytes)) {
    return Only(AppendCode::kBatchTooLarge);
  }
  if (rolling_ || NeedsRoll(batch.size_bytes(), context.now_ms) || !writer_->room().Has(batch.size_bytes())) {
    return Only(AppendCode::kWouldBlock);
  }
  BatchStamp stamp{next_offset_, context.leader_epoch, std::nullopt};
  if (options_.timestamp_type == record::TimestampType::kLogAppendTime) {
    stamp.log_append_time_ms = context.now_ms;
  }
  if (absl::Status placed = Place(batch, stamp, context.now_ms, after); !placed.ok()) {
    return StorageError(std::move(placed));
  }
  AppendOutcome outcome;
  outcome.base_offset = stamp.base_offset;
  outcome.next_offset = next_offset_;
  outcome.log_append_time_ms = stamp.log_append_time_ms.value_or(-1);
  return outcome;
}

std::vector<ActiveProducer> PartitionLog::Producers() const {
  std::vector<ActiveProducer> producers;
  {
    absl::MutexLock lock(&append_mu_);
    producers.reserve(producers_.entries().size());
    for (const auto& [id, entry] : producers_.entries()) {
      producers.push_back({.id = id,
                           .epoch = entry.epoch,
                           .last_sequence = entry.count == 0 ? -1 : entry.last().last_sequence,
                           .last_seen_ms = entry.last_seen_ms});
    }
  }
  std::ranges::sort(producers, {}, &ActiveProducer::id);
  return producers;
}

bool PartitionLog::NeedsRoll(uint64_t size_bytes, int64_t now_ms) const {
  const Room& room = writer_->room();
  if (room.position == 0) {
    return false;
  }
  const uint64_t limit = std::min(room.limit, static_cast<uint64_t>(options_.segment_bytes));
  return room.position + size_bytes > limit ||
         (first_append_ms_ &&
          now_ms - *first_append_ms_ > options_.roll_ms() - RollJitterMs(id_, active_->base(), options_)) ||
         next_offset_ - active_->base() > kOffsetsPerSegmentMax;
}

absl::Status PartitionLog::Place(const record::BatchView& batch, const BatchStamp& stamp, int64_t now_ms,
                                 AfterAppend* after) {
  const uint64_t position = writer_->position();
  if (absl::Status written = writer_->Write(batch.bytes(), stamp); !written.ok()) {
    if (!absl::IsResourceExhausted(written)) {  // That passes, and nobody was shown the bytes.
      after->write_error = written;
    }
    return written;
  }
  Remember(batch, stamp, position, now_ms, after);
  next_offset_ = stamp.base_offset + (int64_t{batch.last_offset_delta()} + 1);
  end_.Set({next_offset_, active_->base(), writer_->position()});
  PlanAfter(batch, after);
  return absl::OkStatus();
}

// All that is known of the batch besides its bytes, before its end is published.
void PartitionLog::Remember(const record::BatchView& batch, const BatchStamp& stamp, uint64_t position,
                            int64_t now_ms, AfterAppend* after) {
  producers_.Update(batch, stamp.base_offset, stamp.log_append_time_ms.value_or(-1), now_ms);
  if (stamp.leader_epoch > latest_epoch_) {
    latest_epoch_ = stamp.leader_epoch;
    absl::MutexLock lock(&epochs_mu_);
    epochs_.Observe(stamp.leader_epoch, stamp.base_offset);
  }
  const int64_t timestamp_ms = stamp.log_append_time_ms.value_or(batch.max_timestamp());
  active_->RaiseMaxTimestamp(timestamp_ms);
  active_->SetLastAppend(now_ms);
  const IndexFeeder::Entries entries =
      feeder_.Add({stamp.base_offset, active_->base(), position}, batch.size_bytes(), timestamp_ms,
                  options_.index_interval_bytes);
  if (entries.time) {
    tail_.AddTime(*entries.time);
  }
  if (entries.offset && tail_.Add(*entries.offset) && !drain_queued_) {
    drain_queued_ = true;
    after->drain = true;
  }
  if (!first_append_ms_) {
    first_append_ms_ = now_ms;
  }
}

void PartitionLog::PlanAfter(const record::BatchView& batch, AfterAppend* after) {
  after->appended = true;
  appended_since_tick_ = true;
  records_since_flush_ += int64_t{batch.last_offset_delta()} + 1;
  if (options_.durability == Durability::kSynced || records_since_flush_ >= options_.flush_messages) {
    records_since_flush_ = 0;
    after->sync = true;
  }
  bytes_since_checkpoint_ += batch.size_bytes();
  if (bytes_since_checkpoint_ >= static_cast<uint64_t>(context_.limits.checkpoint_interval_bytes)) {
    bytes_since_checkpoint_ = 0;
    after->checkpoint = true;
  }
  if (!upkeep_queued_ && StepAhead(writer_->room()).kind != RoomStep::Kind::kNone) {
    upkeep_queued_ = true;
    after->upkeep = true;
  }
}

void PartitionLog::Finish(const AfterAppend& after) {
  if (after.sync) {
    RequestSync();
  }
  Notify();
  if (after.upkeep) {
    Post(&PartitionLog::Upkeep);
  }
  if (after.drain) {
    Post(&PartitionLog::DrainTask);
  }
  if (after.checkpoint) {
    Post(&PartitionLog::CheckpointTask);
  }
}

}  // namespace sluice::storage
