#include "sluice/consumer.h"

#include <utility>

#include "client/internal/consumer_core.h"

namespace sluice {

Consumer::Consumer(std::shared_ptr<client_internal::ConsumerCore> core) : core_(std::move(core)) {}

Consumer::~Consumer() = default;

absl::Status Consumer::Assign(std::vector<Assignment> assignments) {
  return core_->Assign(std::move(assignments));
}

absl::Status Consumer::AssignTopic(std::string_view topic, Position start) {
  return core_->AssignTopic(topic, start);
}

absl::Status Consumer::Seek(std::string_view topic, int32_t partition, Position to) {
  return core_->Seek(topic, partition, to);
}

absl::Status Consumer::Pause(std::string_view topic, int32_t partition) {
  return core_->SetPaused(topic, partition, true);
}

absl::Status Consumer::Resume(std::string_view topic, int32_t partition) {
  return core_->SetPaused(topic, partition, false);
}

absl::StatusOr<FetchedRecords> Consumer::Poll(milliseconds timeout) {
  return core_->Poll(absl::FromChrono(timeout));
}

void Consumer::Wakeup() {
  core_->Wakeup();
}

absl::StatusOr<int64_t> Consumer::NextOffset(std::string_view topic, int32_t partition) const {
  return core_->NextOffset(topic, partition);
}

std::optional<Watermarks> Consumer::LastWatermarks(std::string_view topic, int32_t partition) const {
  return core_->LastWatermarks(topic, partition);
}

bool Consumer::AtEnd() const {
  return core_->AtEnd();
}

absl::Status Consumer::LastError() const {
  return core_->LastError();
}

std::vector<Assignment> Consumer::assignment() const {
  return core_->assignment();
}

}  // namespace sluice
