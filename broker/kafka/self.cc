#include "broker/kafka/self.h"

namespace sluice::broker {

Self DescribeSelf(const Call& call) {
  Self self{.node_id = call.services.node_id.value(),
            .host = call.connection.local_host,
            .port = call.connection.local_port};
  if (const auto& advertised = call.services.advertised; advertised.has_value()) {
    self.host = advertised->host;
    self.port = advertised->port;
  }
  if (const std::string& rack = call.services.config.String("broker.rack"); !rack.empty()) {
    self.rack = rack;
  }
  return self;
}

}  // namespace sluice::broker
