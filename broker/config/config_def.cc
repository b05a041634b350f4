#include "broker/config/config_def.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

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

// Letters to insert, drop or change to make one of the other.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) {
    row[j] = j;
  }
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
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
  const ConfigDef* nearest = nullptr;
  // A name that shares less than two thirds of its letters is no help.
  size_t distance = name.size() / 3 + 1;
  for (const ConfigDef& def : known) {
    const size_t this_distance = EditDistance(name, def.name);
    if (this_distance < distance) {
      distance = this_distance;
      nearest = &def;
    }
  }
  std::string message = absl::StrCat("unknown config \"", name, "\"");
  if (nearest != nullptr) {
    absl::StrAppend(&message, "; did you mean \"", nearest->name, "\"?");
  } else {
    absl::StrAppend(&message, "; docs/configuration.md lists all there are");
  }
  return absl::InvalidArgumentError(message);
}

}  // namespace sluice::broker
