#include "client/internal/accumulator.h"

#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "client/internal/batch_split.h"
#include "client/internal/io_loop.h"
#include "client/internal/status.h"
#include "proto/base/check.h"
#include "proto/base/murmur2.h"

namespace sluice::client_internal {
namespace {

record::BatchOptions BatchOptionsFor(const ProducerOptions& options) {
  return {.codec = static_cast<record::Codec>(options.compression),
          .level = options.compression_level.value_or(record::kDefaultLevel)};
}

absl::Time SteadyDeadline(absl::Duration deadline) {
  return absl::Now() + (deadline - MonotonicNow());
}

}  // namespace

void Batch::Reset(const record::BatchOptions& options) {
  builder.Reset(options);
  completions.clear();
  flushes.clear();
  partition = nullptr;
  reserved_bytes = 0;
  sealed = sequenced = built = reported = false;
  bytes = {};
  attempts = 0;
  ordinal_width = kOrdinalWidth;
  not_before = -absl::InfiniteDuration();
  last_error = absl::OkStatus();
  base_sequence = kNoSequence;
}

Accumulator::Accumulator(const ProducerOptions& options, Hooks hooks)
    : options_(options), batch_options_(BatchOptionsFor(options)), hooks_(std::move(hooks)) {}

absl::Status Accumulator::Append(const Message& message, DeliveryCallback done, bool may_block) {
  absl::InlinedVector<record::Header, 8> headers;
  for (const MessageHeader& header : message.headers) {
    headers.push_back({.key = ToAbsl(header.key), .value = header.value});
  }
  const size_t size_max = record::BatchBuilder::RecordSizeMax(message.key, message.value, headers);
  if (size_max > options_.request_bytes_max) {
    return absl::InvalidArgumentError(absl::StrCat(
        "send to topic \"", ToAbsl(message.topic), "\": a record of up to ", size_max,
        " bytes is larger than the ", options_.request_bytes_max,
        " of request_bytes_max; raise it, and the topic's max.message.bytes with it, or split the record"));
  }
  const int64_t timestamp_ms = message.timestamp_ms.value_or(Clock::System().NowMs());
  may_block = may_block && !hooks_.on_loop_thread();
  bool wake = false;
  {
    absl::MutexLock lock(&mu_);
    const absl::Duration deadline =
        may_block ? MonotonicNow() + absl::FromChrono(options_.max_block) : absl::ZeroDuration();
    ASSIGN_OR_RETURN(TopicQueues * topic, FindTopic(ToAbsl(message.topic), may_block, deadline));
    RETURN_IF_ERROR(ReserveSpace(size_max, may_block, deadline));
    ASSIGN_OR_RETURN(PartitionQueue * partition, ChoosePartition(*topic, message));
    Batch& batch = OpenBatch(*partition, size_max, &wake);
    const size_t before = batch.builder.EstimatedSize();
    RETURN_IF_ERROR(batch.builder.Append(timestamp_ms, message.key, message.value, headers));
    const size_t grown = batch.builder.EstimatedSize() - before;
    batch.reserved_bytes += grown;
    buffered_bytes_ += grown;
    if (done) {
      batch.completions.push_back({batch.builder.record_count() - 1, timestamp_ms, std::move(done)});
    }
    if (batch.builder.EstimatedSize() >= options_.batch_bytes) {
      Seal(batch);
      wake = true;
    }
  }
  if (wake) {
    WakeOnce();
  }
  return absl::OkStatus();
}

void Accumulator::WakeOnce() {
  if (!wake_asked_.exchange(true, std::memory_order_acq_rel)) {
    hooks_.wake();
  }
}

absl::StatusOr<TopicQueues*> Accumulator::FindTopic(absl::string_view name, bool may_block,
                                                    absl::Duration deadline) {
  if (shut_) {
    return absl::CancelledError(
        absl::StrCat("send to topic \"", name, "\": the producer is closed; make a new one"));
  }
  if (last_topic_ != nullptr && last_topic_->name == name && last_topic_->status.ok() && last_topic_->known) {
    return last_topic_;
  }
  std::unique_ptr<TopicQueues>& slot = topics_[name];
  if (slot == nullptr) {
    slot = std::make_unique<TopicQueues>();
    slot->name = std::string(name);
  }
  TopicQueues* const topic = slot.get();  // Topics are never forgotten, so this stays.
  if (!topic->known || !topic->status.ok()) {
    topic->known = false;
    mu_.Unlock();
    hooks_.look_up(topic->name);
    mu_.Lock();
    const absl::Time give_up = SteadyDeadline(deadline);
    while (may_block && !topic->known && !shut_) {
      if (changed_.WaitWithDeadline(&mu_, give_up)) {
        break;
      }
    }
  }
  if (shut_) {
    return ClosedStatus("the producer");
  }
  if (!topic->known) {
    const std::string problem =
        absl::StrCat("send to topic \"", name, "\": its partitions are not known yet");
    if (may_block && absl::IsNotFound(topic->status)) {  // It could have been created, and was not.
      return Annotated(topic->status, absl::StrCat(problem, " and did not become known within max_block"));
    }
    return may_block ? absl::DeadlineExceededError(
                           absl::StrCat(problem, " and did not become known within max_block",
                                        topic->status.ok() ? "" : ": ", topic->status.message()))
                     : absl::UnavailableError(
                           absl::StrCat(problem, "; they are being looked up, try again shortly"));
  }
  if (!topic->status.ok()) {
    return Annotated(topic->status, "send");
  }
  last_topic_ = topic;
  return topic;
}

absl::Status Accumulator::ReserveSpace(size_t bytes, bool may_block, absl::Duration deadline) {
  // A record larger than the whole buffer may pass alone.
  const auto fits = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return buffered_bytes_ == 0 || buffered_bytes_ + bytes <= options_.buffer_bytes;
  };
  if (fits()) {
    return absl::OkStatus();
  }
  if (may_block) {
    ++waiting_for_space_;
    mu_.Unlock();
    WakeOnce();  // Batches that linger are to go now.
    mu_.Lock();
    const absl::Time give_up = SteadyDeadline(deadline);
    while (!fits() && !shut_) {
      if (changed_.WaitWithDeadline(&mu_, give_up)) {
        break;
      }
    }
    --waiting_for_space_;
  }
  if (shut_) {
    return ClosedStatus("the producer");
  }
  if (fits()) {
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(absl::StrCat(
      "the producer's buffer is full: ", buffered_bytes_, " of buffer_bytes = ", options_.buffer_bytes,
      " wait for acks", may_block ? " and no space came free within max_block" : "",
      "; send more slowly, or raise buffer_bytes"));
}

absl::StatusOr<PartitionQueue*> Accumulator::ChoosePartition(TopicQueues& topic, const Message& message) {
  const auto count = static_cast<int32_t>(topic.partitions.size());
  if (message.partition.has_value()) {
    if (*message.partition < 0 || *message.partition >= count) {
      return absl::InvalidArgumentError(absl::StrCat("send to topic \"", topic.name, "\": partition ",
                                                     *message.partition,
                                                     " does not exist, the topic has 0 to ", count - 1));
    }
    return topic.partitions[static_cast<size_t>(*message.partition)].get();
  }
  if (message.key.has_value()) {
    return topic.partitions[static_cast<size_t>(PartitionOfKey(*message.key, count))].get();
  }
  if (topic.sticky < 0 || topic.sticky >= count) {
    // Prefer partitions that somebody leads; with none, any will do.
    std::vector<int32_t> led;
    for (int32_t i = 0; i < count; ++i) {
      if (topic.partitions[static_cast<size_t>(i)]->leader >= 0) {
        led.push_back(i);
      }
    }
    topic.sticky = led.empty() ? static_cast<int32_t>(random_.Below(static_cast<uint64_t>(count)))
                               : led[random_.Below(led.size())];
  }
  return topic.partitions[static_cast<size_t>(topic.sticky)].get();
}

Batch& Accumulator::OpenBatch(PartitionQueue& partition, size_t record_bytes, bool* wake) {
  if (!partition.waiting.empty() && !partition.waiting.back()->sealed) {
    Batch& open = *partition.waiting.back();
    if (open.builder.EstimatedSize() + record_bytes <= options_.batch_bytes) {
      return open;
    }
    Seal(open);
    *wake = true;
  }
  std::unique_ptr<Batch> batch = NewBatch();
  batch->partition = &partition;
  batch->ordinal = std::exchange(partition.next_ordinal, partition.next_ordinal + kOrdinalWidth);
  batch->created = MonotonicNow();
  unfinished_.insert(batch.get());
  // The sender must set its timer for the linger; it does so once for all batches that are open when it
  // looks.
  *wake = true;
  MarkActive(partition);
  partition.waiting.push_back(std::move(batch));
  return *partition.waiting.back();
}

std::unique_ptr<Batch> Accumulator::NewBatch() {
  std::unique_ptr<Batch> batch;
  if (idle_.empty()) {
    batch = std::make_unique<Batch>();
  } else {
    batch = std::move(idle_.back());
    idle_.pop_back();
  }
  batch->Reset(batch_options_);
  return batch;
}

void Accumulator::MarkActive(PartitionQueue& partition) {
  if (!partition.active) {
    partition.active = true;
    active_.push_back(&partition);
  }
}

void Accumulator::Seal(Batch& batch) {
  batch.sealed = true;
  if (batch.partition->topic->sticky == batch.partition->index) {
    batch.partition->topic->sticky = -1;
  }
}

void Accumulator::Release(Batch& batch, const absl::Status& status) {
  if (!status.ok() && flush_error_.ok()) {
    flush_error_ = status;
  }
  buffered_bytes_ -= batch.reserved_bytes;
  batch.reserved_bytes = 0;
  unfinished_.erase(&batch);
  bool signal = waiting_for_space_ > 0;
  for (const std::shared_ptr<FlushGroup>& flush : batch.flushes) {
    signal |= --flush->batches_left == 0;
  }
  batch.flushes.clear();
  if (signal) {
    changed_.SignalAll();
  }
}

absl::StatusOr<Accumulator::Halves> Accumulator::Split(std::unique_ptr<Batch>& batch) {
  Halves halves{.first = NewBatch(), .second = NewBatch()};
  RETURN_IF_ERROR(SplitBatch(*batch, halves.first.get(), halves.second.get()));
  unfinished_.erase(batch.get());
  unfinished_.insert(halves.first.get());
  unfinished_.insert(halves.second.get());
  Recycle(std::move(batch));
  return halves;
}

void Accumulator::Recycle(std::unique_ptr<Batch> batch) {
  // As many as fill the buffer; a batch that grew beyond the usual size is not worth keeping.
  if (idle_.size() < options_.buffer_bytes / options_.batch_bytes &&
      batch->builder.EstimatedSize() <= 2 * options_.batch_bytes) {
    idle_.push_back(std::move(batch));
  }
}

absl::Status Accumulator::Flush(absl::Duration timeout) {
  const absl::Time give_up = absl::Now() + timeout;
  auto group = std::make_shared<FlushGroup>();
  {
    absl::MutexLock lock(&mu_);
    for (Batch* batch : unfinished_) {
      batch->flushes.push_back(group);
      ++group->batches_left;
    }
    if (group->batches_left == 0) {
      return std::exchange(flush_error_, absl::OkStatus());
    }
    ++flushing_;
  }
  WakeOnce();
  absl::MutexLock lock(&mu_);
  while (group->batches_left > 0) {
    if (changed_.WaitWithDeadline(&mu_, give_up)) {
      break;
    }
  }
  --flushing_;
  if (group->batches_left > 0) {
    return absl::DeadlineExceededError(
        absl::StrCat("flush: ", group->batches_left, " batches were not acknowledged within ",
                     absl::FormatDuration(timeout),
                     problem_.ok() ? "" : absl::StrCat(" (the latest problem: ", problem_.message(), ")"),
                     "; they are still being tried. Flush again, or wait for their callbacks"));
  }
  return std::exchange(flush_error_, absl::OkStatus());
}

void Accumulator::Shut() {
  absl::MutexLock lock(&mu_);
  shut_ = true;
  changed_.SignalAll();
}

}  // namespace sluice::client_internal
