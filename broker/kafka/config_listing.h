// Configs as DescribeConfigs and CreateTopics list them: the effective value, where it comes from, and what
// stands behind it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/config/broker_config.h"
#include "broker/config/config_def.h"
#include "broker/config/dynamic_config.h"
#include "broker/config/topic_config.h"
#include "broker/group/group_configs.h"

namespace sluice::broker {

struct ListedConfig {
  struct Synonym {
    std::string name;
    std::optional<std::string> value;
    int8_t source = 0;
  };
  const ConfigDef* def = nullptr;
  std::optional<std::string> value = {};  // None: it is a secret.
  int8_t source = 0;
  bool read_only = false;
  bool sensitive = false;
  std::vector<Synonym> synonyms = {};  // Strongest first, itself included.
};

// What the broker was started with, and what holds since then.
struct BrokerConfigs {
  const BrokerConfig& started_with;
  const LiveConfig& live;
};

std::vector<ListedConfig> ListTopicConfigs(const TopicConfig& topic, const BrokerConfigs& broker);
// Read-only but for what can be set while the broker runs.
std::vector<ListedConfig> ListBrokerConfigs(const BrokerConfigs& broker);
// Those of all brokers that were set while they run.
std::vector<ListedConfig> ListAllBrokersConfigs(const BrokerConfigs& broker);
// `own`: what the group itself was given. The broker's "group.consumer.session.timeout.ms" is a group's
// "consumer.session.timeout.ms".
std::vector<ListedConfig> ListGroupConfigs(const GroupConfigs::Values& own, const BrokerConfigs& broker);

}  // namespace sluice::broker
