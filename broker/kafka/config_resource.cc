#include "broker/kafka/config_resource.h"

#include "absl/strings/str_cat.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;

ConfigResource Refuse(ErrorCode code, std::string message) {
  return {.error = {.code = code, .message = std::move(message)}};
}

ConfigResource FindTopicResource(const std::string& name, const Services& services) {
  if (TopicPtr topic = services.catalog.Find(name); topic != nullptr) {
    return {.topic = std::move(topic)};
  }
  if (TopicError bad_name = CheckTopicName(name); !bad_name.ok()) {
    return {.error = std::move(bad_name)};
  }
  return {.error = services.catalog.UnknownTopic(name)};
}

ConfigResource FindBrokerResource(const std::string& name, const Services& services) {
  if (name.empty()) {
    return {.is_all_brokers = true};
  }
  if (name == absl::StrCat(services.node_id.value())) {
    return {.is_broker = true};
  }
  return Refuse(ErrorCode::kInvalidRequest,
                absl::StrCat("there is no broker \"", name, "\": this one is ", services.node_id.value()));
}

}  // namespace

ConfigResource FindConfigResource(int8_t type, const std::string& name, const Services& services) {
  switch (static_cast<ConfigResourceType>(type)) {
    case ConfigResourceType::kTopic:
      return FindTopicResource(name, services);
    case ConfigResourceType::kBroker:
      return FindBrokerResource(name, services);
  }
  return Refuse(ErrorCode::kInvalidRequest,
                absl::StrCat("resources of type ", static_cast<int>(type),
                             " have no configs here; topics (2) and brokers (4) have"));
}

ConfigResource FindAlterableResource(int8_t type, const std::string& name, const Services& services) {
  ConfigResource found = FindConfigResource(type, name, services);
  if (found.is_broker || found.is_all_brokers) {
    return Refuse(
        ErrorCode::kInvalidRequest,
        "a broker's configs cannot change while it runs; set them in its file, its environment or with "
        "--set, and start it again");
  }
  return found;
}

}  // namespace sluice::broker
