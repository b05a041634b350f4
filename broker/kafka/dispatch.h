// The Kafka protocol's side of a connection: from a frame to the handler of its API key.
//
//   KafkaService service({.catalog = catalog, ...});
//   Server server(..., service);
//
// Kafka's rules for what it cannot serve: an ApiVersions request of an unknown version is answered with what
// we speak; any other unknown key or version, and anything malformed, closes the connection, since no answer
// could be understood. Nothing that a client sends stops the broker.
#pragma once

#include <memory>

#include "broker/kafka/services.h"
#include "broker/net/request_handler.h"

namespace sluice::broker {

// Serves all listeners. Thread-safe: it holds nothing but the services.
class KafkaService final : public RequestHandler {
 public:
  explicit KafkaService(Services services);

  std::unique_ptr<ConnectionState> NewConnectionState() override;
  asio::awaitable<void> Handle(ByteView frame, const ConnectionInfo& connection, ConnectionState& state,
                               ResponseSlot slot) override;

 private:
  const Services services_;
};

}  // namespace sluice::broker
