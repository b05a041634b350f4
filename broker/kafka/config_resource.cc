#include "broker/kafka/config_resource.h"

#include "absl/strings/str_cat.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Kind = ConfigResource::Kind;

ConfigResource Refuse(ErrorCode code, std::string message) {
  return {.error = {.code = code, .message = std::move(message)}};
}

ConfigResource FindTopicResource(const std::string& name, const Services& services) {
  if (TopicPtr topic = services.catalog.Find(name); topic != nullptr) {
    return {.kind = Kind::kTopic, .topic = std::move(topic)};
  }
  if (TopicError bad_name = CheckTopicName(name); !bad_name.ok()) {
    return {.error = std::move(bad_name)};
  }
  return {.error = services.catalog.UnknownTopic(name)};
}

// `kind` when `name` is this broker's number.
ConfigResource FindBroker(Kind kind, const std::string& name, const Services& services) {
  if (name == absl::StrCat(services.node_id.value())) {
    return {.kind = kind};
  }
  return Refuse(ErrorCode::kInvalidRequest,
                absl::StrCat("there is no broker \"", name, "\": this one is ", services.node_id.value()));
}

ConfigResource RequireName(Kind kind, const std::string& name, absl::string_view what) {
  return name.empty() ? Refuse(ErrorCode::kInvalidRequest, absl::StrCat(what, " need a name"))
                      : ConfigResource{.kind = kind};
}

}  // namespace

ConfigResource FindConfigResource(int8_t type, const std::string& name, const Services& services) {
  switch (static_cast<ConfigResourceType>(type)) {
    case ConfigResourceType::kTopic:
      return FindTopicResource(name, services);
    case ConfigResourceType::kBroker:
      return name.empty() ? ConfigResource{.kind = Kind::kAllBrokers}
                          : FindBroker(Kind::kBroker, name, services);
    case ConfigResourceType::kBrokerLogger:
      return FindBroker(Kind::kEmpty, name, services);
    case ConfigResourceType::kClientMetrics:
      return RequireName(Kind::kEmpty, name, "client metrics");
    case ConfigResourceType::kGroup:
      return RequireName(Kind::kGroup, name, "groups");
  }
  return Refuse(ErrorCode::kInvalidRequest,
                absl::StrCat("resources of type ", static_cast<int>(type), " are not known"));
}

ConfigResource FindAlterableResource(int8_t type, const std::string& name, const Services& services) {
  switch (static_cast<ConfigResourceType>(type)) {
    case ConfigResourceType::kTopic:
    case ConfigResourceType::kBroker:
    case ConfigResourceType::kGroup:
      return FindConfigResource(type, name, services);
    case ConfigResourceType::kBrokerLogger:
      return Refuse(ErrorCode::kInvalidRequest, "this broker has no loggers with levels of their own");
    case ConfigResourceType::kClientMetrics:
      return Refuse(ErrorCode::kInvalidRequest, "this broker asks no client for its metrics");
  }
  return Refuse(ErrorCode::kUnsupportedVersion,
                absl::StrCat("resources of type ", static_cast<int>(type), " are not known"));
}

Catalog::BrokerScope ScopeOf(const ConfigResource& resource) {
  return resource.kind == Kind::kAllBrokers ? Catalog::BrokerScope::kAll : Catalog::BrokerScope::kOwn;
}

}  // namespace sluice::broker
