#include "broker/kafka/self.h"

namespace sluice::broker {

Self DescribeSelf(const Call& call) {
  Self self{.node_id = call.services.node_id.value(),
            .host = call.connection.local_host,
            .port = call.connection.local_port};
  for (const Endpoint& advertised : call.services.advertised) {
    if (advertised.name == call.connection.listener) {
      self.host = advertised.host;
      self.port = advertised.port;
    }
  }
  if (const std::string& rack = call.services.config.String("broker.rack"); !rack.empty()) {
    self.rack = rack;
  }
  return self;
}

}  // namespace sluice::broker
