#include "sluice/producer.h"

#include <utility>

#include "client/internal/producer_core.h"

namespace sluice {

Producer::Producer(std::shared_ptr<client_internal::ProducerCore> core) : core_(std::move(core)) {}

Producer::~Producer() = default;

absl::Status Producer::Send(const Message& message, DeliveryCallback done) {
  return core_->accumulator().Append(message, std::move(done), true);
}

absl::Status Producer::TrySend(const Message& message, DeliveryCallback done) {
  return core_->accumulator().Append(message, std::move(done), false);
}

std::future<absl::StatusOr<Delivery>> Producer::SendWithFuture(const Message& message) {
  // Shared with the callback: std::function wants to be copyable.
  auto promise = std::make_shared<std::promise<absl::StatusOr<Delivery>>>();
  std::future<absl::StatusOr<Delivery>> future = promise->get_future();
  const absl::Status queued =
      Send(message, [promise](const absl::StatusOr<Delivery>& delivery) { promise->set_value(delivery); });
  if (!queued.ok()) {
    promise->set_value(queued);
  }
  return future;
}

absl::Status Producer::Flush(milliseconds timeout) {
  return core_->accumulator().Flush(absl::FromChrono(timeout));
}

absl::Status Producer::Close(milliseconds timeout) {
  return core_->Close(absl::FromChrono(timeout));
}

Producer::Stats Producer::stats() const {
  return core_->stats();
}

}  // namespace sluice
