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

#include "broker/kafka/fetch_session_cache.h"
#include "broker/kafka/services.h"
#include "broker/net/request_handler.h"

namespace sluice::broker {

// Serves all listeners. Thread-safe: it holds the services and the fetch sessions of all connections.
class KafkaService final : public RequestHandler {
 public:
  explicit KafkaService(Services services);

  std::unique_ptr<ConnectionState> NewConnectionState() override;
  asio::awaitable<void> Handle(ByteView frame, const ConnectionInfo& connection, ConnectionState& state,
                               ResponseSlot slot) override;

  FetchSessionCache::Stats fetch_session_stats() const { return fetch_sessions_.stats(); }

 private:
  const Services services_;
  FetchSessionCache fetch_sessions_;
};

}  // namespace sluice::broker
