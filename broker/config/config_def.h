// The table of every config key: name, type, default, range, meaning. Parsing, DescribeConfigs, `--check`,
// error messages and docs/configuration.md all come from it. Names and defaults are Kafka's; ours begin with
// "sluice.".
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sluice::broker {

// The numbers are those of DescribeConfigs' ConfigType.
enum class ConfigType : int8_t {
  kBoolean = 1,
  kString = 2,
  kInt = 3,
  kShort = 4,
  kLong = 5,
  kDouble = 6,
  kList = 7,
  kClass = 8,
  kPassword = 9
};

struct ConfigDef {
  absl::string_view name;
  ConfigType type;
  absl::string_view default_value;
  absl::string_view documentation;
  std::optional<int64_t> min = {};
  std::optional<int64_t> max = {};
  std::vector<absl::string_view> allowed = {};  // For strings and lists; empty: anything.
  absl::string_view broker_synonym = {};        // Topic configs: the broker key that gives the default.
};

std::span<const ConfigDef> BrokerConfigDefs();
std::span<const ConfigDef> TopicConfigDefs();
const ConfigDef* FindBrokerConfig(absl::string_view name);
const ConfigDef* FindTopicConfig(absl::string_view name);

// absl::InvalidArgument naming the key, the value and what is allowed.
absl::Status CheckConfigValue(const ConfigDef& def, absl::string_view value);

// "unknown config \"log.retension.ms\"; did you mean \"log.retention.ms\"?"
absl::Status UnknownConfig(absl::string_view name, std::span<const ConfigDef> known);

}  // namespace sluice::broker
