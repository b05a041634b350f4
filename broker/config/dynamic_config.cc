#include "broker/config/dynamic_config.h"

#include <algorithm>

#include "broker/config/config_def.h"

namespace sluice::broker {

bool IsDynamicConfig(absl::string_view name) {
  return !name.empty() && std::ranges::any_of(TopicConfigDefs(), [name](const ConfigDef& def) {
    return def.broker_synonym == name;
  });
}

}  // namespace sluice::broker
