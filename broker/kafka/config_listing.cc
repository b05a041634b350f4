#include "broker/kafka/config_listing.h"

namespace sluice::broker {
namespace {

constexpr int8_t kFromTopic = 1;
constexpr int8_t kFromGroup = 8;
constexpr auto kFromBroker = static_cast<int8_t>(BrokerConfig::Source::kStatic);
constexpr auto kFromDefault = static_cast<int8_t>(BrokerConfig::Source::kDefault);

ListedConfig Start(const ConfigDef& def, std::string value, int8_t source) {
  ListedConfig config{.def = &def, .source = source, .sensitive = def.type == ConfigType::kPassword};
  if (!config.sensitive) {
    config.value = std::move(value);
  }
  return config;
}

void AddSynonym(ListedConfig* config, absl::string_view name, std::string value, int8_t source) {
  auto& synonym = config->synonyms.emplace_back();
  synonym.name = std::string(name);
  synonym.source = source;
  if (!config->sensitive) {
    synonym.value = std::move(value);
  }
}

void AddDynamicSynonym(ListedConfig* config, absl::string_view name, const DynamicConfigs::Values& values,
                       BrokerConfig::Source source) {
  if (const auto found = values.find(std::string(name)); found != values.end()) {
    AddSynonym(config, name, found->second, static_cast<int8_t>(source));
  }
}

// What the broker says about a key: what was set since it runs, what it was started with, and the default.
void AddBrokerSynonyms(ListedConfig* config, const ConfigDef& def, const BrokerConfigs& broker) {
  AddDynamicSynonym(config, def.name, broker.live.dynamic.own, BrokerConfig::Source::kDynamic);
  AddDynamicSynonym(config, def.name, broker.live.dynamic.all, BrokerConfig::Source::kDynamicDefault);
  for (auto& [name, value] : broker.started_with.Given(def.name)) {
    AddSynonym(config, name, std::move(value), kFromBroker);
  }
  AddSynonym(config, def.name, std::string(def.default_value), kFromDefault);
}

}  // namespace

std::vector<ListedConfig> ListTopicConfigs(const TopicConfig& topic, const BrokerConfigs& broker) {
  std::vector<ListedConfig> listed;
  for (const TopicConfig::Described& described : topic.Describe(broker.live.in_force)) {
    const ConfigDef& def = *described.def;
    ListedConfig& config = listed.emplace_back(Start(def, described.value, described.source));
    if (described.source == kFromTopic) {
      AddSynonym(&config, def.name, described.value, kFromTopic);
    }
    if (const ConfigDef* of_broker = FindBrokerConfig(def.broker_synonym); of_broker != nullptr) {
      AddBrokerSynonyms(&config, *of_broker, broker);
    } else {
      AddSynonym(&config, def.name, std::string(def.default_value), kFromDefault);
    }
  }
  return listed;
}

std::vector<ListedConfig> ListBrokerConfigs(const BrokerConfigs& broker) {
  const BrokerConfig& in_force = broker.live.in_force;
  std::vector<ListedConfig> listed;
  for (const ConfigDef& def : BrokerConfigDefs()) {
    ListedConfig& config = listed.emplace_back(
        Start(def, in_force.String(def.name), static_cast<int8_t>(in_force.SourceOf(def.name))));
    config.read_only = !IsDynamicConfig(def.name);
    AddBrokerSynonyms(&config, def, broker);
  }
  return listed;
}

std::vector<ListedConfig> ListAllBrokersConfigs(const BrokerConfigs& broker) {
  constexpr auto kSource = static_cast<int8_t>(BrokerConfig::Source::kDynamicDefault);
  std::vector<ListedConfig> listed;
  for (const auto& [name, value] : broker.live.dynamic.all) {
    ListedConfig& config = listed.emplace_back(Start(*FindBrokerConfig(name), value, kSource));
    AddSynonym(&config, name, value, kSource);
  }
  return listed;
}

std::vector<ListedConfig> ListGroupConfigs(const GroupConfigs::Values& own, const BrokerConfigs& broker) {
  std::vector<ListedConfig> listed;
  for (const ConfigDef& def : GroupConfigDefs()) {
    const absl::string_view key = def.broker_synonym;
    const auto set = own.find(std::string(def.name));
    const bool is_own = set != own.end();
    ListedConfig& config = listed.emplace_back(
        Start(def, is_own ? set->second : broker.started_with.String(key),
              is_own ? kFromGroup : static_cast<int8_t>(broker.started_with.SourceOf(key))));
    if (is_own) {
      AddSynonym(&config, def.name, set->second, kFromGroup);
    }
    AddBrokerSynonyms(&config, *FindBrokerConfig(key), broker);
  }
  return listed;
}

}  // namespace sluice::broker
