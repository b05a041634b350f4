// What this broker serves: which APIs, in which versions, by which handler. ApiVersions answers from here.
#pragma once

#include <asio/awaitable.hpp>
#include <cstdint>
#include <span>

#include "broker/kafka/call.h"
#include "proto/kafka/gen/api_info.h"
#include "proto/kafka/wire_reader.h"

namespace sluice::broker {

struct ApiRow {
  kafka::ApiKey key;
  // What ApiVersions tells.
  int16_t min_advertised;
  int16_t max_version;
  // What is answered. Above min_advertised for Produce only: librdkafka before 2.11.1 compresses nothing
  // unless the range holds version 0 (KAFKA-18659), so Kafka, and we, name it and refuse it.
  int16_t min_version;
  // Decodes the body, serves, answers. A malformed body closes the connection.
  asio::awaitable<void> (*serve)(kafka::WireReader body, Call& call);

  bool Serves(int16_t version) const { return version >= min_version && version <= max_version; }
};

// By rising key.
std::span<const ApiRow> ApiTable();
// Null when the key is not served.
const ApiRow* FindApiRow(int16_t key);

}  // namespace sluice::broker
