#include "broker/topic/topic_rules.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/config/config_def.h"
#include "broker/config/config_value.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;

constexpr size_t kNameSizeMax = 249;

bool IsNameLetter(char letter) {
  return absl::ascii_isalnum(static_cast<unsigned char>(letter)) || letter == '.' || letter == '_' ||
         letter == '-';
}

TopicError BadName(absl::string_view name, absl::string_view problem) {
  return {ErrorCode::kInvalidTopicException,
          absl::StrCat("topic name \"", name.substr(0, kNameSizeMax), "\" ", problem)};
}

std::vector<std::string> ListInForce(const ConfigDef& def, const BrokerConfig& broker,
                                     const std::map<std::string, std::string>& overrides) {
  if (const auto found = overrides.find(std::string(def.name)); found != overrides.end()) {
    return SplitConfigList(found->second);
  }
  return SplitConfigList(def.broker_synonym.empty() ? def.default_value : broker.String(def.broker_synonym));
}

std::string Combined(ConfigChange::Op op, std::vector<std::string> items, absl::string_view change) {
  for (const std::string& item : SplitConfigList(change)) {
    const auto found = std::find(items.begin(), items.end(), item);
    if (op == ConfigChange::Op::kAppend && found == items.end()) {
      items.push_back(item);
    } else if (op == ConfigChange::Op::kSubtract && found != items.end()) {
      items.erase(found);
    }
  }
  return absl::StrJoin(items, ",");
}

// `in_force`: the items that hold now, if it is a list.
TopicError ApplyChange(const ConfigChange& change, const ConfigDef& def,
                       const std::vector<std::string>& in_force, std::map<std::string, std::string>* values) {
  switch (change.op) {
    case ConfigChange::Op::kSet:
      (*values)[change.name] = change.value;
      break;
    case ConfigChange::Op::kDelete:
      values->erase(change.name);
      break;
    case ConfigChange::Op::kAppend:
    case ConfigChange::Op::kSubtract:
      if (def.type != ConfigType::kList) {
        return {ErrorCode::kInvalidConfig,
                absl::StrCat("config \"", change.name,
                             "\" is no list: nothing can be added to it or taken away, only set")};
      }
      (*values)[change.name] = Combined(change.op, in_force, change.value);
      break;
  }
  return {};
}

// Checks the key's value, if it has one, and brings it into its one spelling.
TopicError Normalise(const ConfigDef& def, std::map<std::string, std::string>* values) {
  const auto set = values->find(std::string(def.name));
  if (set == values->end()) {
    return {};
  }
  absl::StatusOr<std::string> normal = NormalConfigValue(def, set->second);
  if (!normal.ok()) {
    return {ErrorCode::kInvalidConfig, std::string(normal.status().message())};
  }
  set->second = *std::move(normal);
  return {};
}

}  // namespace

bool IsInternalTopic(absl::string_view name) {
  return name == "__consumer_offsets" || name == "__transaction_state";
}

TopicError CheckNotInternal(absl::string_view name, absl::string_view what) {
  if (!IsInternalTopic(name)) {
    return {};
  }
  return {ErrorCode::kInvalidTopicException,
          absl::StrCat("topic \"", name, "\" cannot ", what,
                       ": it holds the offsets of all groups; delete groups or their ", "offsets instead")};
}

TopicError CheckTopicName(absl::string_view name) {
  if (name.empty()) {
    return {ErrorCode::kInvalidTopicException, "a topic needs a name"};
  }
  if (name == "." || name == "..") {
    return BadName(name, "means a directory; choose another");
  }
  if (name.size() > kNameSizeMax) {
    return BadName(name, absl::StrCat("... is ", name.size(), " letters long; the most is ", kNameSizeMax));
  }
  if (!std::all_of(name.begin(), name.end(), IsNameLetter)) {
    return BadName(name, "has other letters than a-z, A-Z, 0-9, '.', '_' and '-'");
  }
  return {};
}

TopicError CheckClientMayCreate(absl::string_view name) {
  if (name == "__cluster_metadata") {
    return {ErrorCode::kTopicAuthorizationFailed,
            "__cluster_metadata is the name of Kafka's own metadata and no client's to create"};
  }
  if (IsInternalTopic(name)) {
    return {ErrorCode::kInvalidTopicException,
            absl::StrCat("the broker makes ", name, " itself when it is first needed")};
  }
  return {};
}

TopicError CheckPartitionCount(int64_t wanted, const PartitionRoom& room) {
  if (wanted < 1) {
    return {ErrorCode::kInvalidPartitions, absl::StrCat("a topic has at least 1 partition, not ", wanted)};
  }
  const bool for_files = room.open_files_for < room.configured;
  const int64_t limit = std::min(room.configured, room.open_files_for);
  if (wanted > limit - room.used) {
    return {ErrorCode::kPolicyViolation,
            absl::StrCat(wanted, " more partitions would be too many: the broker holds ", room.used,
                         " of at most ", limit, "; delete topics, ask for fewer, or ",
                         for_files
                             ? "give its process a higher limit of open files (ulimit -n) and start it again"
                             : "raise sluice.partitions.max")};
  }
  return {};
}

TopicError CheckReplicationFactor(int16_t replication_factor) {
  if (replication_factor == -1 || replication_factor == 1) {
    return {};
  }
  return {ErrorCode::kInvalidReplicationFactor,
          absl::StrCat("replication factor ", replication_factor,
                       " cannot be had: there is 1 broker; ask for 1, or -1")};
}

TopicError ApplyChanges(const std::vector<ConfigChange>& changes, const BrokerConfig& broker,
                        std::map<std::string, std::string>* overrides) {
  for (const ConfigChange& change : changes) {
    const ConfigDef* def = FindTopicConfig(change.name);
    if (def == nullptr) {
      return {ErrorCode::kInvalidConfig,
              std::string(UnknownConfig(change.name, TopicConfigDefs()).message())};
    }
    const std::vector<std::string> in_force = ListInForce(*def, broker, *overrides);
    if (TopicError error = ApplyChange(change, *def, in_force, overrides); !error.ok()) {
      return error;
    }
  }
  return {};
}

TopicError ApplyBrokerChanges(const std::vector<ConfigChange>& changes, const BrokerConfig& broker,
                              DynamicConfigs::Values* values) {
  for (const ConfigChange& change : changes) {
    const ConfigDef* def = FindBrokerConfig(change.name);
    if (def == nullptr) {
      return {ErrorCode::kInvalidConfig,
              std::string(UnknownConfig(change.name, BrokerConfigDefs()).message())};
    }
    if (!IsDynamicConfig(change.name)) {
      return {ErrorCode::kInvalidRequest,
              absl::StrCat(change.name,
                           " cannot change while the broker runs; set it in its file, its environment or "
                           "with --set, and start it again. What topics take their defaults from can")};
    }
    const std::vector<std::string> in_force = SplitConfigList(broker.String(change.name));
    if (TopicError error = ApplyChange(change, *def, in_force, values); !error.ok()) {
      return error;
    }
    if (TopicError error = Normalise(*def, values); !error.ok()) {
      return error;
    }
  }
  return {};
}

TopicError ApplyKnownChanges(const std::vector<ConfigChange>& changes, std::span<const ConfigDef> known,
                             std::map<std::string, std::string>* values) {
  for (const ConfigChange& change : changes) {
    const auto def =
        std::ranges::find_if(known, [&change](const ConfigDef& each) { return each.name == change.name; });
    if (def == known.end()) {
      return {ErrorCode::kInvalidConfig, std::string(UnknownConfig(change.name, known).message())};
    }
    if (TopicError error = ApplyChange(change, *def, {}, values); !error.ok()) {
      return error;
    }
    if (TopicError error = Normalise(*def, values); !error.ok()) {
      return error;
    }
  }
  return {};
}

}  // namespace sluice::broker
