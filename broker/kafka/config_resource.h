// The things that have configs in Kafka's config APIs, and what may be done to them here.
#pragma once

#include <cstdint>

#include "broker/kafka/services.h"
#include "broker/topic/catalog.h"

namespace sluice::broker {

enum class ConfigResourceType : int8_t { kTopic = 2, kBroker = 4 };

// What a config API's resource turned out to be: a topic, this broker, all brokers, or nothing (`error`).
struct ConfigResource {
  TopicPtr topic = {};
  bool is_broker = false;
  bool is_all_brokers = false;  // The broker with no name: defaults set at run time, of which there are none.
  TopicError error = {};
};
ConfigResource FindConfigResource(int8_t type, const std::string& name, const Services& services);

// Topics can be changed; brokers cannot while they run.
ConfigResource FindAlterableResource(int8_t type, const std::string& name, const Services& services);

}  // namespace sluice::broker
