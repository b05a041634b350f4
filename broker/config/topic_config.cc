#include "broker/config/topic_config.h"

#include "absl/strings/numbers.h"
#include "broker/config/config_value.h"
#include "proto/base/check.h"
#include "proto/base/status_macros.h"

namespace sluice::broker {
namespace {

// The values of one topic: overrides first, then the broker's, then defaults.
class Resolver {
 public:
  Resolver(const BrokerConfig& broker, const std::map<std::string, std::string>& overrides)
      : broker_(broker), overrides_(overrides) {}

  const ConfigDef& Def(absl::string_view name) const {
    const ConfigDef* def = FindTopicConfig(name);
    CHECK(def != nullptr);
    return *def;
  }

  TopicConfig::Described Describe(const ConfigDef& def) const {
    if (const auto found = overrides_.find(std::string(def.name)); found != overrides_.end()) {
      return {.def = &def, .value = found->second, .source = 1};
    }
    if (!def.broker_synonym.empty()) {
      return {.def = &def,
              .value = broker_.String(def.broker_synonym),
              .source = static_cast<int8_t>(broker_.SourceOf(def.broker_synonym))};
    }
    return {.def = &def, .value = std::string(def.default_value)};
  }

  std::string String(absl::string_view name) const { return Describe(Def(name)).value; }

  int64_t Int(absl::string_view name) const {
    int64_t number = 0;
    CHECK(absl::SimpleAtoi(String(name), &number));
    return number;
  }

 private:
  const BrokerConfig& broker_;
  const std::map<std::string, std::string>& overrides_;
};

storage::LogOptions ResolveLog(const BrokerConfig& broker, const Resolver& values) {
  return {
      .segment_bytes = values.Int("segment.bytes"),
      .segment_ms = values.Int("segment.ms"),
      .retention_bytes = values.Int("retention.bytes"),
      .retention_ms = values.Int("retention.ms"),
      .index_interval_bytes = values.Int("index.interval.bytes"),
      .flush_messages = values.Int("flush.messages"),
      .flush_ms = values.Int("flush.ms"),
      .file_delete_delay_ms = values.Int("file.delete.delay.ms"),
      .timestamp_type = values.String("message.timestamp.type") == "LogAppendTime"
                            ? record::TimestampType::kLogAppendTime
                            : record::TimestampType::kCreateTime,
      .durability = values.String("sluice.durability") == "synced" ? storage::Durability::kSynced
                                                                   : storage::Durability::kPageCache,
      .append_method = broker.String("log.append.method") == "mmap" ? storage::AppendMethod::kMmap
                                                                    : storage::AppendMethod::kPwrite,
  };
}

}  // namespace

absl::StatusOr<TopicConfig> TopicConfig::Resolve(const BrokerConfig& broker,
                                                 const std::map<std::string, std::string>& overrides) {
  TopicConfig config;
  for (const auto& [name, value] : overrides) {
    const ConfigDef* def = FindTopicConfig(name);
    if (def == nullptr) {
      return UnknownConfig(name, TopicConfigDefs());
    }
    ASSIGN_OR_RETURN(config.overrides_[name], NormalConfigValue(*def, value));
  }
  const Resolver values(broker, config.overrides_);
  config.log_ = ResolveLog(broker, values);
  config.max_message_bytes_ = values.Int("max.message.bytes");
  config.timestamp_before_max_ms_ = values.Int("message.timestamp.before.max.ms");
  config.timestamp_after_max_ms_ = values.Int("message.timestamp.after.max.ms");
  for (const std::string& policy : SplitConfigList(values.String("cleanup.policy"))) {
    config.compacted_ |= policy == "compact";
  }
  return config;
}

std::vector<TopicConfig::Described> TopicConfig::Describe(const BrokerConfig& broker) const {
  const Resolver values(broker, overrides_);
  std::vector<Described> described;
  for (const ConfigDef& def : TopicConfigDefs()) {
    described.push_back(values.Describe(def));
  }
  return described;
}

}  // namespace sluice::broker
    config.deletes_ |= policy == "delete";
