// AlterConfigs (33): replaces all configs of a topic by those given; what is not given goes back to its
// default. Clients have moved on to IncrementalAlterConfigs (44).
//
//   v0, v1 the same      v2 flexible
#include <map>

#include "absl/strings/str_cat.h"
#include "broker/kafka/config_resource.h"
#include "broker/kafka/each_once.h"
#include "broker/kafka/handlers.h"
#include "broker/net/disk_pool.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::AlterConfigsRequest;
using Response = kafka::AlterConfigsResponse;
using Configs = std::map<std::string, std::string>;

TopicError Collect(const Request::AlterConfigsResource& resource, Configs* configs) {
  for (const auto& config : resource.configs) {
    if (!config.value.has_value()) {
      return {.code = ErrorCode::kInvalidRequest, .message = absl::StrCat(config.name, " is given no value")};
    }
    if (!configs->emplace(config.name, *config.value).second) {
      return {.code = ErrorCode::kInvalidRequest, .message = absl::StrCat(config.name, " is given twice")};
    }
  }
  return {};
}

// Blocks.
TopicError Alter(const Request::AlterConfigsResource& resource, bool validate_only,
                 const Services& services) {
  ConfigResource found = FindAlterableResource(resource.resource_type, resource.resource_name, services);
  if (!found.error.ok()) {
    return found.error;
  }
  Configs configs;
  if (TopicError error = Collect(resource, &configs); !error.ok()) {
    return error;
  }
  if (found.kind == ConfigResource::Kind::kGroup) {
    return services.groups.configs().Replace(resource.resource_name, configs, validate_only);
  }
  return found.topic != nullptr
             ? services.catalog.ReplaceConfigs(resource.resource_name, configs, validate_only)
             : services.catalog.ReplaceBrokerConfigs(ScopeOf(found), configs, validate_only);
}

// Blocks.
Response AlterAll(const Request& request, const Services& services) {
  return AlterEach<Response>(request, [&](const Request::AlterConfigsResource& resource) {
    return Alter(resource, request.validate_only, services);
  });
}

}  // namespace

asio::awaitable<kafka::AlterConfigsResponse> HandleAlterConfigs(const Request& request, Call& call) {
  co_return co_await OnPool(call.services.pool, [&] { return AlterAll(request, call.services); });
}

}  // namespace sluice::broker
