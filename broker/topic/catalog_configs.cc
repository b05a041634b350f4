// The part of the catalog that follows the broker's own configs when they change while it runs.
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/config/config_def.h"
#include "broker/topic/catalog.h"
#include "broker/topic/topic_rules.h"
#include "proto/base/status_macros.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Values = DynamicConfigs::Values;

Values& In(Catalog::BrokerScope scope, DynamicConfigs& dynamic) {
  return scope == Catalog::BrokerScope::kOwn ? dynamic.own : dynamic.all;
}

// Another version may have known more keys or allowed other values; a broker must not fail to start for
// those, since they could only be changed while it runs. Returns their names.
std::vector<std::string> DropUnusable(Values* values) {
  std::vector<std::string> dropped;
  for (auto value = values->begin(); value != values->end();) {
    if (IsDynamicConfig(value->first) &&
        CheckConfigValue(*FindBrokerConfig(value->first), value->second).ok()) {
      ++value;
      continue;
    }
    dropped.push_back(value->first);
    value = values->erase(value);
  }
  return dropped;
}

}  // namespace

std::shared_ptr<const LiveConfig> Catalog::live_config() const {
  absl::ReaderMutexLock lock(&mu_);
  return live_config_;
}

NodeId Catalog::node_id() const {
  return NodeId(static_cast<int32_t>(parts_.config.Int("node.id")));
}

absl::Status Catalog::LoadDynamic() {
  ASSIGN_OR_RETURN(DynamicConfigs dynamic, store_.ReadDynamic(node_id()));
  for (Values* values : {&dynamic.own, &dynamic.all}) {
    for (const std::string& dropped : DropUnusable(values)) {
      Warn(
          absl::StrCat("what was set on the running broker for ", dropped, " means nothing to this version"));
    }
  }
  PublishConfig(dynamic);
  return absl::OkStatus();
}

TopicError Catalog::ChangeBrokerConfigs(BrokerScope scope, const std::vector<ConfigChange>& changes,
                                        bool validate_only) {
  absl::MutexLock change(&change_mu_);
  const std::shared_ptr<const LiveConfig> live = live_config();
  DynamicConfigs dynamic = live->dynamic;
  if (TopicError error = ApplyBrokerChanges(changes, live->in_force, &In(scope, dynamic)); !error.ok()) {
    return error;
  }
  return SetDynamic(dynamic, validate_only);
}

TopicError Catalog::ReplaceBrokerConfigs(BrokerScope scope, const std::map<std::string, std::string>& configs,
                                         bool validate_only) {
  std::vector<ConfigChange> changes;
  for (const auto& [name, value] : configs) {
    changes.push_back({.name = name, .value = value});
  }
  absl::MutexLock change(&change_mu_);
  const std::shared_ptr<const LiveConfig> live = live_config();
  DynamicConfigs dynamic = live->dynamic;
  In(scope, dynamic).clear();
  if (TopicError error = ApplyBrokerChanges(changes, live->in_force, &In(scope, dynamic)); !error.ok()) {
    return error;
  }
  return SetDynamic(dynamic, validate_only);
}

// First every topic is made as it is to be, then the change is made durable, then all of it is published: a
// value that one topic cannot have changes nothing.
TopicError Catalog::SetDynamic(const DynamicConfigs& dynamic, bool validate_only) {
  const BrokerConfig next = dynamic.Over(parts_.config);
  std::vector<std::shared_ptr<Topic>> changed;
  for (const TopicPtr& topic : All()) {
    absl::StatusOr<TopicConfig> config = TopicConfig::Resolve(next, topic->config.overrides());
    if (!config.ok()) {
      return {ErrorCode::kInvalidConfig,
              absl::StrCat("topic \"", topic->name, "\": ", config.status().message())};
    }
    changed.push_back(std::make_shared<Topic>(*topic));
    changed.back()->config = *std::move(config);
  }
  if (const absl::StatusOr<TopicConfig> bare = TopicConfig::Resolve(next, {}); !bare.ok()) {
    return {ErrorCode::kInvalidConfig, std::string(bare.status().message())};
  }
  if (TopicError error = CheckOpen(); !error.ok() || validate_only) {
    return error;
  }
  if (const absl::Status status = store_.ReplaceDynamic(node_id(), dynamic); !status.ok()) {
    return {ErrorCode::kKafkaStorageError,
            absl::StrCat("the broker's configs could not be changed: ", status.message()),
            absl::IsResourceExhausted(status)};
  }
  PublishConfig(dynamic);
  for (std::shared_ptr<Topic>& topic : changed) {
    for (const std::shared_ptr<Partition>& partition : topic->partitions) {
      partition->log().SetOptions(topic->config.log());
    }
    Publish(std::move(topic));
  }
  return {};
}

void Catalog::PublishConfig(const DynamicConfigs& dynamic) {
  auto live = std::make_shared<const LiveConfig>(
      LiveConfig{.dynamic = dynamic, .in_force = dynamic.Over(parts_.config)});
  absl::MutexLock lock(&mu_);
  live_config_.swap(live);  // The one before dies after the lock.
}

}  // namespace sluice::broker
