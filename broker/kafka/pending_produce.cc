#include "broker/kafka/pending_produce.h"

#include <string>
#include <utility>

#include "broker/kafka/error_map.h"

namespace sluice::broker {

PendingProduce::PendingProduce(ReplyTo to, kafka::ProduceResponse response, std::vector<Wait> waits,
                               ResponseSlot slot)
    : to_(to),
      waits_(std::move(waits)),
      done_(waits_.size(), false),
      left_(waits_.size()),
      response_(std::move(response)),
      slot_(std::move(slot)) {}

void PendingProduce::Start() {
  std::vector<Wait> waits;
  {
    absl::MutexLock lock(&mu_);
    waits = waits_;
  }
  for (size_t i = 0; i < waits.size(); ++i) {
    // May call back at once, so without the lock.
    waits[i].partition->AwaitCommitted(
        waits[i].offset, [self = shared_from_this(), i](absl::Status status) { self->Complete(i, status); });
  }
}

void PendingProduce::Complete(size_t wait_index, const absl::Status& status) {
  absl::MutexLock lock(&mu_);
  if (done_[wait_index]) {
    return;  // It timed out before.
  }
  done_[wait_index] = true;
  if (!status.ok()) {
    SetError(waits_[wait_index], CodeOf(status), status.message());
  }
  --left_;
  Finish();
}

void PendingProduce::Expire() {
  absl::MutexLock lock(&mu_);
  if (left_ == 0) {
    return;
  }
  for (size_t i = 0; i < waits_.size(); ++i) {
    if (!done_[i]) {
      done_[i] = true;
      SetError(waits_[i], kafka::ErrorCode::kRequestTimedOut,
               "the batch did not reach the disk within the request's timeout; it may still get there");
    }
  }
  left_ = 0;
  Finish();
}

bool PendingProduce::finished() const {
  absl::MutexLock lock(&mu_);
  return left_ == 0;
}

void PendingProduce::SetError(const Wait& wait, kafka::ErrorCode code, absl::string_view message) {
  auto& answer = response_.responses[wait.topic_index].partition_responses[wait.partition_index];
  answer.error_code = kafka::ToWire(code);
  answer.error_message = std::string(message);
}

void PendingProduce::Finish() {
  if (left_ == 0) {
    SendReply(to_, response_, slot_);
  }
}

}  // namespace sluice::broker
