#include "broker/group/group_configs.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "broker/topic/stored_proto.h"
#include "broker/topic/topic_rules.h"
#include "proto/base/check.h"
#include "sluice/internal/metadata.pb.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;

constexpr absl::string_view kKeys = "/configs/groups/";
constexpr absl::string_view kBrokerPrefix = "group.";
constexpr char kSessionTimeout[] = "consumer.session.timeout.ms";
constexpr char kHeartbeatInterval[] = "consumer.heartbeat.interval.ms";

std::vector<ConfigDef> MakeDefs() {
  std::vector<ConfigDef> defs;
  for (const absl::string_view name : {kSessionTimeout, kHeartbeatInterval}) {
    const ConfigDef* of_broker = FindBrokerConfig(absl::StrCat(kBrokerPrefix, name));
    CHECK(of_broker != nullptr);
    ConfigDef& def = defs.emplace_back(*of_broker);
    def.broker_synonym = def.name;
    def.name.remove_prefix(kBrokerPrefix.size());
  }
  return defs;
}

const ConfigDef* FindDef(absl::string_view name) {
  const auto defs = GroupConfigDefs();
  const auto found =
      std::find_if(defs.begin(), defs.end(), [name](const auto& def) { return def.name == name; });
  return found == defs.end() ? nullptr : &*found;
}

}  // namespace

std::span<const ConfigDef> GroupConfigDefs() {
  static const auto* defs = new std::vector<ConfigDef>(MakeDefs());
  return *defs;
}

absl::Status GroupConfigs::Load(Logger* logger) {
  ASSIGN_OR_RETURN(const std::vector<storage::MetadataValue> all, store_.Range(kKeys));
  std::map<std::string, Values> loaded;
  for (const storage::MetadataValue& stored : all) {
    ASSIGN_OR_RETURN(const auto record, DecodeStored<internal::GroupConfigsRecord>(stored));
    const std::string group = stored.key.substr(kKeys.size());
    for (const auto& [name, value] : record.configs()) {
      const ConfigDef* def = FindDef(name);
      if (def != nullptr && CheckConfigValue(*def, value).ok()) {
        loaded[group][name] = value;
      } else if (logger != nullptr) {
        logger->Warning("group", absl::StrCat("what was set for ", name, " of group \"", group,
                                              "\" means nothing to this version"));
      }
    }
  }
  absl::MutexLock lock(&mu_);
  values_ = std::move(loaded);
  return absl::OkStatus();
}

GroupConfigs::Values GroupConfigs::Of(const std::string& group) const {
  absl::MutexLock lock(&mu_);
  const auto found = values_.find(group);
  return found == values_.end() ? Values() : found->second;
}

std::vector<std::string> GroupConfigs::Groups() const {
  absl::MutexLock lock(&mu_);
  std::vector<std::string> groups;
  for (const auto& [group, values] : values_) {
    groups.push_back(group);
  }
  return groups;
}

ConsumerTimes GroupConfigs::TimesOf(const std::string& group) const {
  return TimesWith(Of(group));
}

ConsumerTimes GroupConfigs::TimesWith(const Values& values) const {
  const auto value_of = [&](const char* name) {
    const auto own = values.find(name);
    int32_t value = 0;
    return own != values.end() && absl::SimpleAtoi(own->second, &value)
               ? value
               : static_cast<int32_t>(config_.Int(absl::StrCat(kBrokerPrefix, name)));
  };
  return {.session_timeout_ms = value_of(kSessionTimeout),
          .heartbeat_interval_ms = value_of(kHeartbeatInterval)};
}

TopicError GroupConfigs::Change(const std::string& group, const std::vector<ConfigChange>& changes,
                                bool validate_only) {
  absl::MutexLock change(&change_mu_);
  Values values = Of(group);
  if (TopicError error = ApplyKnownChanges(changes, GroupConfigDefs(), &values); !error.ok()) {
    return error;
  }
  return Set(group, values, validate_only);
}

TopicError GroupConfigs::Replace(const std::string& group, const Values& values, bool validate_only) {
  std::vector<ConfigChange> changes;
  for (const auto& [name, value] : values) {
    changes.push_back({.name = name, .value = value});
  }
  Values next;
  if (TopicError error = ApplyKnownChanges(changes, GroupConfigDefs(), &next); !error.ok()) {
    return error;
  }
  absl::MutexLock change(&change_mu_);
  return Set(group, next, validate_only);
}

TopicError GroupConfigs::Set(const std::string& group, const Values& values, bool validate_only) {
  if (const ConsumerTimes times = TimesWith(values);
      times.session_timeout_ms <= times.heartbeat_interval_ms) {
    return {ErrorCode::kInvalidConfig,
            absl::StrCat(kSessionTimeout, " (", times.session_timeout_ms, ") must be greater than ",
                         kHeartbeatInterval, " (", times.heartbeat_interval_ms, ")")};
  }
  if (validate_only) {
    return {};
  }
  internal::GroupConfigsRecord record;
  record.mutable_configs()->insert(values.begin(), values.end());
  const absl::Status status =
      store_
          .Commit({.writes = {{absl::StrCat(kKeys, group),
                               values.empty() ? std::nullopt : std::optional(record.SerializeAsString())}}})
          .status();
  if (!status.ok()) {
    return {ErrorCode::kKafkaStorageError,
            absl::StrCat("the configs of group \"", group, "\" could not be changed: ", status.message()),
            absl::IsResourceExhausted(status)};
  }
  absl::MutexLock lock(&mu_);
  if (values.empty()) {
    values_.erase(group);
  } else {
    values_[group] = values;
  }
  return {};
}

}  // namespace sluice::broker
