// ListConfigResources (74): which resources have configs.
//
//   v0 client metrics only, under its old name ListClientMetricsResources      v1 resource types; none asks
//   for all
//
// Client metrics and groups are listed when somebody gave them configs of their own, which client metrics
// cannot have here.
#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "broker/kafka/config_resource.h"
#include "broker/kafka/handlers.h"
#include "proto/kafka/error_code.h"

namespace sluice::broker {
namespace {

using Type = ConfigResourceType;
using Request = kafka::ListConfigResourcesRequest;
using Response = kafka::ListConfigResourcesResponse;

constexpr std::array kTypes = {Type::kTopic, Type::kBroker, Type::kBrokerLogger, Type::kClientMetrics,
                               Type::kGroup};

bool IsKnown(int8_t type) {
  return std::ranges::find(kTypes, static_cast<Type>(type)) != kTypes.end();
}

void Add(Type type, std::string name, Response* response) {
  auto& resource = response->config_resources.emplace_back();
  resource.resource_type = static_cast<int8_t>(type);
  resource.resource_name = std::move(name);
}

void AddAllOf(Type type, const Services& services, Response* response) {
  if (type == Type::kTopic) {
    for (const TopicPtr& topic : services.catalog.All()) {
      Add(type, topic->name, response);
    }
  } else if (type == Type::kBroker || type == Type::kBrokerLogger) {
    Add(type, absl::StrCat(services.node_id.value()), response);
  } else if (type == Type::kGroup) {
    for (std::string& group : services.groups.configs().Groups()) {
      Add(type, std::move(group), response);
    }
  }
}

}  // namespace

kafka::ListConfigResourcesResponse HandleListConfigResources(const Request& request, Call& call) {
  kafka::ListConfigResourcesResponse response;
  if (call.version() == 0) {
    return response;
  }
  const std::vector<int8_t>& asked = request.resource_types;
  if (!std::ranges::all_of(asked, IsKnown)) {
    response.error_code = kafka::ToWire(kafka::ErrorCode::kUnsupportedVersion);
    return response;
  }
  for (const Type type : kTypes) {
    if (asked.empty() || std::ranges::find(asked, static_cast<int8_t>(type)) != asked.end()) {
      AddAllOf(type, call.services, &response);
    }
  }
  return response;
}

}  // namespace sluice::broker
