// ApiVersions (18): which APIs and versions this broker serves. The first request of every connection.
//
//   v0   error, the list          v1-2 throttle time
//   v3   flexible; the client names its software (KIP-511); the response's header stays version 0
//   v4   as v3: features whose lowest level is 0 may be listed
//
// No features are listed: metadata.version, group.version and transaction.version stand for things that this
// broker does not have, and clients do without them.
#include <algorithm>

#include "absl/strings/ascii.h"
#include "broker/kafka/api_table.h"
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
    call.state.software_name = request.client_software_name;
    call.state.software_version = request.client_software_version;
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
