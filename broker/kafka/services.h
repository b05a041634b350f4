// What the Kafka handlers stand on: the domain objects they call and what this broker is called by its
// clients.
#pragma once

#include <string>
#include <vector>

#include "broker/config/broker_config.h"
#include "broker/group/group_coordinator.h"
#include "broker/topic/catalog.h"
#include "broker/topic/producer_ids.h"
#include "proto/base/clock.h"
#include "proto/base/ids.h"
#include "storage/disk/executor.h"

namespace sluice::broker {

// References must outlive the KafkaService.
struct Services {
  Catalog& catalog;
  const BrokerConfig& config;
  storage::Executor& pool;  // Whatever may block runs here.
  Clock& clock;
  ProducerIdAllocator& producer_ids;
  GroupCoordinator& groups;
  std::string cluster_id;
  NodeId node_id;
  // What the clients of a listener, by its name, are told to connect to. A listener without one: the address
  // that each of them connected to.
  std::vector<Endpoint> advertised = {};
};

}  // namespace sluice::broker
