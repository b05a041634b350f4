// DescribeConfigs (32): the configs of topics, of this broker and of groups, all of them or those that are
// named.
//
//   v1 source and synonyms (v0 is gone)      v3 type and documentation      v4 flexible
//
// A resource that is asked for twice is described once: an answer is a hundred times as large as a question,
// so its size must be bounded by what exists.
#include "absl/container/flat_hash_set.h"
#include "broker/kafka/config_listing.h"
#include "broker/kafka/config_resource.h"
#include "broker/kafka/handlers.h"
#include "broker/net/disk_pool.h"

namespace sluice::broker {
namespace {

using Request = kafka::DescribeConfigsRequest;
using Response = kafka::DescribeConfigsResponse;

Response::DescribeConfigsResourceResult ToWire(const ListedConfig& config, const Request& request) {
  Response::DescribeConfigsResourceResult wire;
  wire.name = std::string(config.def->name);
  wire.value = config.value;
  wire.read_only = config.read_only;
  wire.config_source = config.source;
  wire.is_sensitive = config.sensitive;
  wire.config_type = static_cast<int8_t>(config.def->type);
  if (request.include_documentation) {
    wire.documentation = std::string(config.def->documentation);
  }
  if (request.include_synonyms) {
    for (const ListedConfig::Synonym& synonym : config.synonyms) {
      auto& entry = wire.synonyms.emplace_back();
      entry.name = synonym.name;
      entry.value = synonym.value;
      entry.source = synonym.source;
    }
  }
  return wire;
}

std::vector<ListedConfig> List(const ConfigResource& resource, const std::string& name,
                               const BrokerConfigs& broker, const Services& services) {
  switch (resource.kind) {
    case ConfigResource::Kind::kTopic:
      return ListTopicConfigs(resource.topic->config, broker);
    case ConfigResource::Kind::kBroker:
      return ListBrokerConfigs(broker);
    case ConfigResource::Kind::kAllBrokers:
      return ListAllBrokersConfigs(broker);
    case ConfigResource::Kind::kGroup:
      return ListGroupConfigs(services.groups.configs().Of(name), broker);
    case ConfigResource::Kind::kEmpty:
      break;
  }
  return {};
}

// Names that are not known are left out, as Kafka does.
class Wanted {
 public:
  explicit Wanted(const std::optional<std::vector<std::string>>& keys) : all_(!keys.has_value()) {
    if (keys.has_value()) {
      names_.insert(keys->begin(), keys->end());
    }
  }
  bool Has(absl::string_view name) const { return all_ || names_.contains(name); }

 private:
  const bool all_;
  absl::flat_hash_set<std::string> names_;
};

Response::DescribeConfigsResult Describe(const Request::DescribeConfigsResource& asked,
                                         const Request& request, const Services& services,
                                         const LiveConfig& live) {
  Response::DescribeConfigsResult result;
  result.resource_type = asked.resource_type;
  result.resource_name = asked.resource_name;
  const ConfigResource resource = FindConfigResource(asked.resource_type, asked.resource_name, services);
  if (!resource.error.ok()) {
    result.error_code = kafka::ToWire(resource.error.code);
    result.error_message = resource.error.message;
    return result;
  }
  const Wanted wanted(asked.configuration_keys);
  for (const ListedConfig& config : List(resource, asked.resource_name, {services.config, live}, services)) {
    if (wanted.Has(config.def->name)) {
      result.configs.push_back(ToWire(config, request));
    }
  }
  return result;
}

// Long work for many topics, so not for a network thread.
Response DescribeAll(const Request& request, const Services& services) {
  const std::shared_ptr<const LiveConfig> live = services.catalog.live_config();
  absl::flat_hash_set<std::pair<int8_t, std::string>> seen;
  Response response;
  for (const auto& asked : request.resources) {
    if (seen.emplace(asked.resource_type, asked.resource_name).second) {
      response.results.push_back(Describe(asked, request, services, *live));
    }
  }
  return response;
}

}  // namespace

asio::awaitable<kafka::DescribeConfigsResponse> HandleDescribeConfigs(const Request& request, Call& call) {
  co_return co_await OnPool(call.services.pool, [&] { return DescribeAll(request, call.services); });
}

}  // namespace sluice::broker
