// Configs that single groups were given, while the broker runs: "consumer.session.timeout.ms" of a group
// holds before the broker's "group.consumer.session.timeout.ms". They are kept in the metadata store, for
// groups that exist and for others.
//
// Thread-safe. Load(), Change() and Replace() block.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "broker/config/broker_config.h"
#include "broker/config/config_def.h"
#include "broker/group/core/consumer/consumer_types.h"
#include "broker/topic/catalog.h"
#include "proto/base/logger.h"
#include "storage/meta/metadata_store.h"

namespace sluice::broker {

// Kafka's names. Each has the broker's key that gives its default as its synonym.
std::span<const ConfigDef> GroupConfigDefs();

class GroupConfigs {
 public:
  using Values = std::map<std::string, std::string>;  // In their one spelling.

  // Both must outlive it.
  GroupConfigs(storage::MetadataStore& store, const BrokerConfig& config) : store_(store), config_(config) {}

  // What this version cannot use is left where it is, and `logger`, if any, told.
  absl::Status Load(Logger* logger);

  // What the group itself was given.
  Values Of(const std::string& group) const;
  // Those that were given any, by name.
  std::vector<std::string> Groups() const;
  // What holds for the group.
  ConsumerTimes TimesOf(const std::string& group) const;

  // INVALID_CONFIG for keys and values that cannot be; a session must be longer than a heartbeat's interval.
  TopicError Change(const std::string& group, const std::vector<ConfigChange>& changes, bool validate_only);
  TopicError Replace(const std::string& group, const Values& values, bool validate_only);

 private:
  ConsumerTimes TimesWith(const Values& values) const;
  TopicError Set(const std::string& group, const Values& values, bool validate_only)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mu_);

  storage::MetadataStore& store_;
  const BrokerConfig& config_;
  absl::Mutex change_mu_;  // Held for the whole of a change, disk and all.
  mutable absl::Mutex mu_;
  std::map<std::string, Values> values_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sluice::broker
