#include "broker/net/request_handler.h"

#include <utility>

#include "broker/net/connection.h"

namespace sluice::broker {

ResponseSlot::ResponseSlot(std::shared_ptr<Connection> connection, uint64_t sequence)
    : connection_(std::move(connection)), sequence_(sequence) {}

ResponseSlot::ResponseSlot(ResponseSlot&& other) noexcept = default;

ResponseSlot& ResponseSlot::operator=(ResponseSlot&& other) noexcept {
  if (this != &other) {
    Close("a request was dropped without an answer");
    connection_ = std::move(other.connection_);
    sequence_ = other.sequence_;
  }
  return *this;
}

ResponseSlot::~ResponseSlot() {
  Close("a request was dropped without an answer");
}

void ResponseSlot::Send(Response response) {
  if (auto connection = std::exchange(connection_, nullptr)) {
    connection->Complete(sequence_, {.kind = Answer::Kind::kResponse, .response = std::move(response)});
  }
}

void ResponseSlot::SendNothing() {
  if (auto connection = std::exchange(connection_, nullptr)) {
    connection->Complete(sequence_, {.kind = Answer::Kind::kNothing});
  }
}

void ResponseSlot::Close(absl::string_view reason) {
  if (auto connection = std::exchange(connection_, nullptr)) {
    connection->Complete(sequence_, {.kind = Answer::Kind::kClose, .reason = std::string(reason)});
  }
}

}  // namespace sluice::broker
