// ApiVersions (18): which APIs and versions this broker serves. The first request of every connection.
//
//   v0   error, the list          v1-2 throttle time
//   v3   flexible; the client names its software (KIP-511); the response's header stays version 0
//   v4   as v3: features whose lowest level is 0 may be listed, which older clients cannot read
//   v5   the client says which cluster and node it takes this for (KIP-1242): if it is another, it is told to
//        look for its own anew
#include <algorithm>

#include "absl/strings/ascii.h"
#include "broker/kafka/api_table.h"
#include "broker/kafka/features.h"
#include "broker/kafka/handlers.h"
#include "proto/kafka/error_code.h"

namespace sluice::broker {
namespace {

using kafka::ApiVersionsResponse;

// KIP-511: letters and digits, '-' and '.' between them.
bool IsSoftwareName(absl::string_view name) {
  const auto is_inner = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.';
  };
  return !name.empty() && absl::ascii_isalnum(static_cast<unsigned char>(name.front())) &&
         absl::ascii_isalnum(static_cast<unsigned char>(name.back())) && std::ranges::all_of(name, is_inner);
}

// Addresses are given to other brokers, of other clusters at times, while clients still remember them.
bool TakesUsForAnother(const kafka::ApiVersionsRequest& request, const Services& services) {
  constexpr int32_t kUnknownNode = -1;
  return (request.cluster_id.has_value() && *request.cluster_id != services.cluster_id) ||
         (request.node_id != kUnknownNode && request.node_id != services.node_id.value());
}

void ListFeatures(int16_t version, int64_t epoch, ApiVersionsResponse* response) {
  for (const Feature& feature : Features()) {
    if (IsSupportTold(feature, version)) {
      auto& supported = response->supported_features.emplace_back();
      supported.name = std::string(feature.name);
      supported.min_version = feature.min_supported;
      supported.max_version = feature.max_supported;
    }
    if (feature.level > 0) {
      auto& finalized = response->finalized_features.emplace_back();
      finalized.name = std::string(feature.name);
      finalized.max_version_level = feature.level;
      finalized.min_version_level = feature.level;
    }
  }
  response->finalized_features_epoch = epoch;
}

ApiVersionsResponse::ApiVersion Advertise(const ApiRow& row) {
  ApiVersionsResponse::ApiVersion version;
  version.api_key = static_cast<int16_t>(row.key);
  version.min_version = row.min_advertised;
  version.max_version = row.max_version;
  return version;
}

}  // namespace

ApiVersionsResponse HandleApiVersions(const kafka::ApiVersionsRequest& request, Call& call) {
  ApiVersionsResponse response;
  if (call.version() >= 3) {
    if (!IsSoftwareName(request.client_software_name) || !IsSoftwareName(request.client_software_version)) {
      response.error_code = kafka::ToWire(kafka::ErrorCode::kInvalidRequest);
      return response;
    }
    if (TakesUsForAnother(request, call.services)) {
      response.error_code = kafka::ToWire(kafka::ErrorCode::kRebootstrapRequired);
      return response;
    }
    call.state.software_name = request.client_software_name;
    call.state.software_version = request.client_software_version;
    // Clients heed levels of a higher epoch only: the boot count rises whenever they may have changed.
    ListFeatures(call.version(), call.services.catalog.leader_epoch().value(), &response);
  }
  for (const ApiRow& row : ApiTable()) {
    response.api_keys.push_back(Advertise(row));
  }
  return response;
}

ApiVersionsResponse UnsupportedApiVersions() {
  ApiVersionsResponse response;
  response.error_code = kafka::ToWire(kafka::ErrorCode::kUnsupportedVersion);
  response.api_keys.push_back(Advertise(*FindApiRow(kafka::ApiVersionsRequest::kApiKey)));
  return response;
}

}  // namespace sluice::broker
