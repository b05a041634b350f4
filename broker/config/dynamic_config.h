// Broker configs that were set while it runs (KIP-226). They hold before what the broker was started with:
//
//   this broker's own  >  those of all brokers  >  file, environment, --set  >  default
//
// What can be set so is what topics take their defaults from, such as log.retention.ms: nothing else is read
// again after the start. Pure values; thread-compatible.
#pragma once

#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "broker/config/broker_config.h"

namespace sluice::broker {

struct DynamicConfigs {
  using Values = std::map<std::string, std::string>;  // In their one spelling.

  Values own;  // This broker's.
  Values all;  // All brokers': Kafka calls them the default, and names their resource "".

  BrokerConfig Over(const BrokerConfig& started_with) const {
    return started_with.With(all, BrokerConfig::Source::kDynamicDefault)
        .With(own, BrokerConfig::Source::kDynamic);
  }
};

// What was set, and what holds with it. One version: replaced as a whole.
struct LiveConfig {
  DynamicConfigs dynamic;
  BrokerConfig in_force;
};

bool IsDynamicConfig(absl::string_view name);

}  // namespace sluice::broker
