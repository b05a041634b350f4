// What may be asked of topics: pure decisions, in Kafka's error codes with a sentence.
#pragma once

#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "broker/config/config_def.h"
#include "broker/config/dynamic_config.h"
#include "broker/topic/catalog.h"

namespace sluice::broker {

struct PartitionRoom {
  int64_t used = 0;        // Partitions that all topics have together.
  int64_t configured = 0;  // sluice.partitions.max
  int64_t open_files_for = std::numeric_limits<int64_t>::max();
};
TopicError CheckPartitionCount(int64_t wanted, const PartitionRoom& room);

// Kafka's own topics: __consumer_offsets and __transaction_state. The broker alone makes, fills and keeps
// them.
bool IsInternalTopic(absl::string_view name);
// Refuses what would take from the broker what it knows: `what` is "be deleted".
TopicError CheckNotInternal(absl::string_view name, absl::string_view what);
// Clients may not make them: as with Kafka's refusal of records for them, INVALID_TOPIC_EXCEPTION. Kafka's
// metadata topic, which does not exist here, is TOPIC_AUTHORIZATION_FAILED there and here.
TopicError CheckClientMayCreate(absl::string_view name);

// There is one broker: -1 and 1.
TopicError CheckReplicationFactor(int16_t replication_factor);

// Applies the changes, in order, to a topic's overrides. kAppend and kSubtract work on lists, from the value
// in force. The values themselves are checked by TopicConfig::Resolve.
TopicError ApplyChanges(const std::vector<ConfigChange>& changes, const BrokerConfig& broker,
                        std::map<std::string, std::string>* overrides);

// The same for what is set on the broker while it runs, each value checked and brought into its one spelling.
// `broker`: what holds now. INVALID_REQUEST for a key that is only read at the start.
TopicError ApplyBrokerChanges(const std::vector<ConfigChange>& changes, const BrokerConfig& broker,
                              DynamicConfigs::Values* values);

// The same for what only has the keys of `known`, and no lists.
TopicError ApplyKnownChanges(const std::vector<ConfigChange>& changes, std::span<const ConfigDef> known,
                             std::map<std::string, std::string>* values);

}  // namespace sluice::broker
