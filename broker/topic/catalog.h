// All topics of the broker: what exists, with which configs. The durable truth is the MetadataStore; this is
// its view in memory, and the one place where topics are made, changed and dropped.
//
// Threads: look-ups from any thread, cheap and never blocking. Changes block on the disk: disk pool only;
// they are serialised among themselves.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "broker/config/broker_config.h"
#include "broker/config/topic_config.h"
#include "broker/topic/partition.h"
#include "proto/kafka/error_code.h"
#include "storage/log/log_dir.h"
#include "storage/meta/metadata_store.h"

namespace sluice::broker {

// One version of a topic: immutable, replaced as a whole when partitions are added or configs change.
struct Topic {
  std::string name;
  Uuid id;
  std::vector<std::shared_ptr<Partition>> partitions;  // Shared by topic versions and requests in flight.
  TopicConfig config;

  // Null when there is no such partition.
  Partition* Find(PartitionId partition) const;
};
using TopicPtr = std::shared_ptr<const Topic>;

// A refusal with the code that Kafka gives and a sentence for a person.
struct TopicError {
  kafka::ErrorCode code = kafka::ErrorCode::kNone;
  std::string message;
  bool ok() const { return code == kafka::ErrorCode::kNone; }
};

struct TopicSpec {
  std::string name;
  int32_t partitions = -1;          // -1: num.partitions.
  int16_t replication_factor = -1;  // -1 or 1: there is one broker.
  std::map<std::string, std::string> configs;
};

struct ConfigChange {
  enum class Op { kSet, kDelete, kAppend, kSubtract };
  std::string name;
  Op op = Op::kSet;
  std::string value;
};

class Catalog {
 public:
  struct Parts {
    storage::MetadataStore& metadata;
    std::vector<storage::LogDir*> log_dirs;  // New logs go to the one with the fewest.
    const BrokerConfig& config;
    Clock& clock;
    LeaderEpoch leader_epoch;  // The broker's boot count: every partition it serves has it.
  };
  // Matches the logs that were found to the topics that exist; finishes interrupted creations and deletions.
  static absl::StatusOr<std::unique_ptr<Catalog>> Load(Parts parts);

  TopicPtr Find(absl::string_view name) const;
  TopicPtr FindById(const Uuid& id) const;
  // By name.
  std::vector<TopicPtr> All() const;

  // `validate_only` checks and changes nothing.
  TopicError Create(const TopicSpec& spec, bool validate_only, TopicPtr* created);
  TopicError Delete(absl::string_view name);
  TopicError AddPartitions(absl::string_view name, int32_t total, bool validate_only);
  TopicError ChangeConfigs(absl::string_view name, const std::vector<ConfigChange>& changes,
                           bool validate_only);
  // Replaces all overrides (AlterConfigs, the old call).
  TopicError ReplaceConfigs(absl::string_view name, const std::map<std::string, std::string>& configs,
                            bool validate_only);

  // Every partition is closed: waiters are told. The logs stay open.
  void Close();
};

// Kafka's rule: 1 to 249 of [a-zA-Z0-9._-], not "." or "..".
TopicError CheckTopicName(absl::string_view name);

}  // namespace sluice::broker
