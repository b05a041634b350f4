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
