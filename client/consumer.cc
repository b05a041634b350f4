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

absl::Status Consumer::Subscribe(std::vector<std::string> topics, RebalanceListener listener) {
  return core_->Subscribe(std::move(topics), std::move(listener));
}

absl::Status Consumer::SubscribePattern(std::string_view pattern, RebalanceListener listener) {
  return core_->SubscribePattern(pattern, std::move(listener));
}

absl::Status Consumer::Unsubscribe() {
  return core_->Unsubscribe();
}

absl::Status Consumer::CommitSync() {
  return core_->CommitSync(nullptr);
}

absl::Status Consumer::CommitSync(const std::vector<GroupOffset>& offsets) {
  return core_->CommitSync(&offsets);
}

void Consumer::CommitAsync(CommitCallback done) {
  core_->CommitAsync(std::nullopt, std::move(done));
}

void Consumer::CommitAsync(std::vector<GroupOffset> offsets, CommitCallback done) {
  core_->CommitAsync(std::move(offsets), std::move(done));
}

absl::StatusOr<std::vector<GroupOffset>> Consumer::Committed(const std::vector<TopicPartition>& partitions) {
  return core_->Committed(partitions);
}

GroupMembership Consumer::membership() const {
  return core_->membership();
}

absl::Status Consumer::Close(milliseconds timeout) {
  return core_->Close(absl::FromChrono(timeout));
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
