#include "broker/config/listener_rules.h"

#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"

namespace sluice::broker {
namespace {

absl::Status CheckForm(const BrokerConfig& config, absl::string_view key) {
  std::set<std::string> names;
  for (const std::string& text : config.List(key)) {
    const absl::StatusOr<Endpoint> endpoint = ParseEndpoint(text);
    if (!endpoint.ok()) {
      return WithContext(endpoint.status(), key);
    }
    if (!names.insert(endpoint->name).second) {
      return absl::InvalidArgumentError(absl::StrCat(key, ": the listener name ", endpoint->name,
                                                     " is used twice; each needs its own, with its "
                                                     "protocol in listener.security.protocol.map"));
    }
  }
  return absl::OkStatus();
}

std::string ProtocolOf(const BrokerConfig& config, absl::string_view listener) {
  for (const std::string& entry : config.List("listener.security.protocol.map")) {
    if (absl::StartsWith(entry, absl::StrCat(listener, ":"))) {
      return entry.substr(listener.size() + 1);
    }
  }
  return std::string(listener);
}

absl::Status CheckProtocol(const BrokerConfig& config, const Endpoint& listener) {
  const std::string protocol = ProtocolOf(config, listener.name);
  if (protocol == "PLAINTEXT") {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("listeners: ", listener.name, " needs the security protocol ", protocol,
                   ", but PLAINTEXT is the only one so "
                   "far: use PLAINTEXT, or map the name to it in listener.security.protocol.map"));
}

absl::Status CheckOpen(const BrokerConfig& config, absl::string_view key, const Endpoint& listener) {
  if (listener.IsLoopback() || config.Bool("sluice.allow.open.listener")) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(key, ": other machines could reach ",
                   listener.host.empty() ? "every address" : listener.host, " on port ", listener.port,
                   ", and nobody is asked who they are: listen on 127.0.0.1, or set "
                   "sluice.allow.open.listener=true if the network is trusted"));
}

absl::Status CheckAdvertised(const BrokerConfig& config) {
  for (const Endpoint& endpoint : AdvertisedListenersOf(config)) {
    if (endpoint.host.empty() || endpoint.host == "0.0.0.0" || endpoint.host == "::") {
      return absl::InvalidArgumentError(absl::StrCat(
          "advertised.listeners: ", endpoint.name,
          " names no host that a client could connect to: "
          "give one, or leave the key out, and each client is told the address that it came by"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckGrpcListener(const BrokerConfig& config) {
  const std::string& text = config.String("sluice.grpc.listener");
  if (text.empty()) {
    return absl::OkStatus();
  }
  const absl::StatusOr<Endpoint> endpoint = ParseHostPort(text);
  if (!endpoint.ok()) {
    return WithContext(endpoint.status(), "sluice.grpc.listener");
  }
  return CheckOpen(config, "sluice.grpc.listener", *endpoint);
}

}  // namespace

absl::Status CheckListeners(const BrokerConfig& config) {
  RETURN_IF_ERROR(CheckForm(config, "listeners"));
  RETURN_IF_ERROR(CheckForm(config, "advertised.listeners"));
  const std::vector<Endpoint> listeners = ListenersOf(config);
  if (listeners.empty()) {
    return absl::InvalidArgumentError(
        "listeners: none is left to serve clients on: add one, such as PLAINTEXT://127.0.0.1:9092");
  }
  for (const Endpoint& listener : listeners) {
    RETURN_IF_ERROR(CheckProtocol(config, listener));
    RETURN_IF_ERROR(CheckOpen(config, "listeners", listener));
  }
  RETURN_IF_ERROR(CheckAdvertised(config));
  return CheckGrpcListener(config);
}

}  // namespace sluice::broker
