#include "broker/config/config_def.h"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "proto/base/nearest_name.h"

namespace sluice::broker {
namespace {

using DefIndex = absl::flat_hash_map<absl::string_view, const ConfigDef*>;

const DefIndex* IndexOf(std::span<const ConfigDef> defs) {
  auto* index = new DefIndex;
  for (const ConfigDef& def : defs) {
    (*index)[def.name] = &def;
  }
  return index;
}

const ConfigDef* FindIn(const DefIndex& index, absl::string_view name) {
  const auto found = index.find(name);
  return found == index.end() ? nullptr : found->second;
}

// Names that Kafka had until 4.0, and what became of them.
struct RemovedName {
  absl::string_view name;
  absl::string_view advice;
};
constexpr RemovedName kRemovedNames[] = {
    {"message.timestamp.difference.max.ms",
     "set message.timestamp.before.max.ms and message.timestamp.after.max.ms instead"},
    {"log.message.timestamp.difference.max.ms",
     "set log.message.timestamp.before.max.ms and log.message.timestamp.after.max.ms instead"},
    {"message.format.version", "leave it out, there is one format left"},
    {"message.downconversion.enable", "leave it out, there is no older format to convert to"},
};

}  // namespace

const ConfigDef* FindBrokerConfig(absl::string_view name) {
  static const DefIndex* index = IndexOf(BrokerConfigDefs());
  return FindIn(*index, name);
}

const ConfigDef* FindTopicConfig(absl::string_view name) {
  static const DefIndex* index = IndexOf(TopicConfigDefs());
  return FindIn(*index, name);
}

absl::Status UnknownConfig(absl::string_view name, std::span<const ConfigDef> known) {
  for (const RemovedName& removed : kRemovedNames) {
    if (name == removed.name) {
      return absl::InvalidArgumentError(
          absl::StrCat("config \"", name, "\" is gone since Kafka 4.0: ", removed.advice));
    }
  }
  std::vector<absl::string_view> names;
  for (const ConfigDef& def : known) {
    names.push_back(def.name);
  }
  std::string message = absl::StrCat("unknown config \"", name, "\"");
  if (const auto nearest = NearestName(name, names)) {
    absl::StrAppend(&message, "; did you mean \"", *nearest, "\"?");
  } else {
    absl::StrAppend(&message, "; docs/configuration.md lists all there are");
  }
  return absl::InvalidArgumentError(message);
}

}  // namespace sluice::broker
