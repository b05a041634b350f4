#include "broker/grpc/config_calls.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/grpc/status_map.h"

namespace sluice::broker {
namespace {

v1::ConfigType TypeOf(ConfigType type) {
  switch (type) {
    case ConfigType::kBoolean:
      return v1::CONFIG_TYPE_BOOLEAN;
    case ConfigType::kString:
    case ConfigType::kClass:
      return v1::CONFIG_TYPE_STRING;
    case ConfigType::kInt:
    case ConfigType::kShort:
      return v1::CONFIG_TYPE_INT;
    case ConfigType::kLong:
      return v1::CONFIG_TYPE_LONG;
    case ConfigType::kDouble:
      return v1::CONFIG_TYPE_DOUBLE;
    case ConfigType::kList:
      return v1::CONFIG_TYPE_LIST;
    case ConfigType::kPassword:
      return v1::CONFIG_TYPE_PASSWORD;
  }
  return v1::CONFIG_TYPE_UNSPECIFIED;
}

// From the numbers of Kafka's ConfigSource.
v1::ConfigSource SourceOf(int8_t source) {
  switch (source) {
    case 1:
      return v1::CONFIG_SOURCE_TOPIC;
    case 2:  // Set while it runs, on this broker,
    case 3:  // or on all of them.
    case 4:
      return v1::CONFIG_SOURCE_BROKER;
    default:
      return v1::CONFIG_SOURCE_DEFAULT;
  }
}

std::vector<TopicConfig::Described> DescribeBroker(const BrokerConfig& config) {
  std::vector<TopicConfig::Described> described;
  for (const ConfigDef& def : BrokerConfigDefs()) {
    described.push_back({.def = &def,
                         .value = config.String(def.name),
                         .source = static_cast<int8_t>(config.SourceOf(def.name))});
  }
  return described;
}

v1::Config ToMessage(const TopicConfig::Described& described, bool read_only) {
  v1::Config config;
  const ConfigDef& def = *described.def;
  config.set_name(std::string(def.name));
  if (def.type != ConfigType::kPassword) {
    config.set_value(described.value);
  }
  config.set_source(SourceOf(described.source));
  config.set_is_default(described.value == ToStd(def.default_value));
  config.set_documentation(std::string(def.documentation));
  config.set_type(TypeOf(def.type));
  config.set_read_only(read_only);
  return config;
}

grpc::Status CheckNames(const v1::DescribeConfigsRequest& request, std::span<const ConfigDef> defs) {
  for (const std::string& name : request.names()) {
    const bool known =
        std::any_of(defs.begin(), defs.end(), [&](const ConfigDef& def) { return def.name == name; });
    if (!known) {
      return {grpc::StatusCode::NOT_FOUND, std::string(UnknownConfig(name, defs).message())};
    }
  }
  return grpc::Status::OK;
}

bool Wanted(const v1::DescribeConfigsRequest& request, absl::string_view name) {
  return request.names().empty() ||
         std::find(request.names().begin(), request.names().end(), name) != request.names().end();
}

void AddConfigs(const v1::DescribeConfigsRequest& request, std::vector<TopicConfig::Described> all,
                bool read_only, v1::DescribeConfigsResponse* response) {
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.def->name < b.def->name; });
  for (const TopicConfig::Described& described : all) {
    if (Wanted(request, described.def->name)) {
      *response->add_configs() = ToMessage(described, read_only);
    }
  }
}

}  // namespace

grpc::Status DescribeConfigs(const Catalog& catalog, const v1::DescribeConfigsRequest& request,
                             v1::DescribeConfigsResponse* response) {
  if (request.has_broker()) {
    grpc::Status status = CheckNames(request, BrokerConfigDefs());
    if (status.ok()) {
      AddConfigs(request, DescribeBroker(catalog.live_config()->in_force), /*read_only=*/true, response);
    }
    return status;
  }
  const TopicPtr topic = catalog.Find(request.topic());
  if (topic == nullptr) {
    return request.topic().empty() ? InvalidArgument("the request names neither a topic nor the broker")
                                   : NoSuchTopic(catalog, request.topic());
  }
  grpc::Status status = CheckNames(request, TopicConfigDefs());
  if (status.ok()) {
    AddConfigs(request, topic->config.Describe(catalog.live_config()->in_force), /*read_only=*/false,
               response);
  }
  return status;
}

grpc::Status AlterConfigs(Catalog& catalog, const v1::AlterConfigsRequest& request) {
  if (catalog.Find(request.topic()) == nullptr) {
    return NoSuchTopic(catalog, request.topic());
  }
  std::vector<ConfigChange> changes;
  for (const auto& [name, value] : request.set()) {
    changes.push_back({.name = name, .value = value});
  }
  for (const std::string& name : request.unset()) {
    if (request.set().contains(name)) {
      return InvalidArgument(absl::StrCat("config \"", name, "\" stands in both `set` and `unset`"));
    }
    changes.push_back({.name = name, .op = ConfigChange::Op::kDelete});
  }
  return ToGrpcStatus(catalog.ChangeConfigs(request.topic(), changes, request.validate_only()));
}

}  // namespace sluice::broker
