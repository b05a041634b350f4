// The things that have configs in Kafka's config APIs, and what may be done to them here.
#pragma once

#include <cstdint>

#include "broker/kafka/services.h"
#include "broker/topic/catalog.h"

namespace sluice::broker {

enum class ConfigResourceType : int8_t {
  kTopic = 2,
  kBroker = 4,
  kBrokerLogger = 8,
  kClientMetrics = 16,
  kGroup = 32
};

// What a config API's resource turned out to be, or why it is none (`error`).
struct ConfigResource {
  enum class Kind {
    kTopic,
    kBroker,
    kAllBrokers,  // The broker without a name.
    kGroup,
    kEmpty  // There, with nothing to configure: loggers, client metrics.
  };
  Kind kind = Kind::kEmpty;
  TopicPtr topic = {};
  TopicError error = {};
};
ConfigResource FindConfigResource(int8_t type, const std::string& name, const Services& services);

// Topics, brokers and groups can be changed; the others have nothing to change.
ConfigResource FindAlterableResource(int8_t type, const std::string& name, const Services& services);
// Of a broker's resource.
Catalog::BrokerScope ScopeOf(const ConfigResource& resource);

}  // namespace sluice::broker
