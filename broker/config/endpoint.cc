#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "broker/config/broker_config.h"
#include "proto/base/check.h"
#include "proto/base/status_macros.h"

namespace sluice::broker {
namespace {

absl::Status Malformed(absl::string_view text, absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat("\"", text, "\": ", problem));
}

// "[::1]" loses its brackets; a bare "::1" would leave open where the port begins.
bool ParseHost(absl::string_view text, std::string* host) {
  if (absl::StartsWith(text, "[") && absl::EndsWith(text, "]")) {
    text = text.substr(1, text.size() - 2);
    *host = std::string(text);
    return !text.empty();
  }
  *host = std::string(text);
  return !absl::StrContains(text, ":");
}

std::vector<Endpoint> EndpointsOf(const BrokerConfig& config, absl::string_view key) {
  std::vector<Endpoint> endpoints;
  for (const std::string& text : config.List(key)) {
    absl::StatusOr<Endpoint> endpoint = ParseEndpoint(text);
    CHECK_OK(endpoint.status());  // Load() has parsed it before.
    endpoints.push_back(*std::move(endpoint));
  }
  return endpoints;
}

}  // namespace

bool Endpoint::IsLoopback() const {
  return host == "localhost" || host == "::1" || absl::StartsWith(host, "127.");
}

absl::StatusOr<Endpoint> ParseHostPort(absl::string_view text) {
  Endpoint endpoint;
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos || !ParseHost(text.substr(0, colon), &endpoint.host)) {
    return Malformed(text, "an address is host:port, as in 127.0.0.1:9092 or [::1]:9092");
  }
  uint32_t port = 0;
  if (!absl::SimpleAtoi(text.substr(colon + 1), &port) || port > 65535) {
    return Malformed(text, "the port must be a number from 0 (any free one) to 65535");
  }
  endpoint.port = static_cast<uint16_t>(port);
  return endpoint;
}

absl::StatusOr<Endpoint> ParseEndpoint(absl::string_view text) {
  const size_t separator = text.find("://");
  if (separator == absl::string_view::npos || separator == 0) {
    return Malformed(text, "a listener is NAME://host:port, as in PLAINTEXT://127.0.0.1:9092");
  }
  ASSIGN_OR_RETURN(Endpoint endpoint, ParseHostPort(text.substr(separator + 3)));
  endpoint.name = std::string(text.substr(0, separator));
  return endpoint;
}

std::vector<Endpoint> ListenersOf(const BrokerConfig& config) {
  std::vector<Endpoint> listeners = EndpointsOf(config, "listeners");
  const std::vector<std::string> controllers = config.List("controller.listener.names");
  std::erase_if(listeners, [&](const Endpoint& listener) {
    return std::find(controllers.begin(), controllers.end(), listener.name) != controllers.end();
  });
  return listeners;
}

std::vector<Endpoint> AdvertisedListenersOf(const BrokerConfig& config) {
  return EndpointsOf(config, "advertised.listeners");
}

}  // namespace sluice::broker
