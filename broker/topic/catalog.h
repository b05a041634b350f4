// All topics of the broker: what exists, with which configs. The durable truth is the MetadataStore; this is
// its view in memory, and the one place where topics are made, changed and dropped.
//
// Threads: look-ups from any thread, cheap and never blocking. Changes block on the disk: disk pool only;
// they are serialised among themselves.
#pragma once

#include <atomic>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "broker/config/broker_config.h"
#include "broker/config/dynamic_config.h"
#include "broker/config/topic_config.h"
#include "broker/topic/log_shelf.h"
#include "broker/topic/partition.h"
#include "broker/topic/topic_store.h"
#include "proto/base/clock.h"
#include "proto/base/logger.h"
#include "proto/base/random.h"
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
  int64_t created_ms = 0;

  // Null when there is no such partition.
  Partition* Find(PartitionId partition) const;
  // The same, for those who keep it beyond the topic.
  std::shared_ptr<Partition> Share(PartitionId partition) const;
};
using TopicPtr = std::shared_ptr<const Topic>;

// A refusal with the code that Kafka gives and a sentence for a person.
struct TopicError {
  kafka::ErrorCode code = kafka::ErrorCode::kNone;
  std::string message = {};
  bool out_of_space = false;  // Of kKafkaStorageError: the disk is full.
  bool ok() const { return code == kafka::ErrorCode::kNone; }
};

struct TopicSpec {
  std::string name;
  int32_t partitions = -1;          // -1: num.partitions.
  int16_t replication_factor = -1;  // -1 or 1: there is one broker.
  std::map<std::string, std::string> configs;
};

struct LogDirReport;

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
    int64_t open_files_for = std::numeric_limits<int64_t>::max();  // So many partitions.
    Logger* logger = nullptr;                                      // Null: says nothing.
    Random* random = nullptr;  // For topic ids; null: seeded by the system. One thread at a time uses it.
    std::vector<OfflineDir> offline_dirs = {};  // Those of log.dirs that are not among `log_dirs`.
  };
  // Matches the logs that were found to the topics that exist; finishes interrupted creations and deletions.
  // absl::DataLoss when a topic's log is gone, unless it may be in a directory that is offline: then it is
  // offline, too, and never made anew. Logs that belong to no topic are left alone, with a warning.
  static absl::StatusOr<std::unique_ptr<Catalog>> Load(Parts parts);

  // Closes what is open.
  ~Catalog();

  TopicPtr Find(absl::string_view name) const;
  TopicPtr FindById(const Uuid& id) const;
  // By name.
  std::vector<TopicPtr> All() const;

  // Rises after each change of what the look-ups find. Ask first, look then: who has seen a version has seen
  // all of it.
  int64_t version() const { return version_.load(); }

  // UNKNOWN_TOPIC_OR_PARTITION, with the nearest name there is.
  TopicError UnknownTopic(absl::string_view name) const;
  size_t partition_count() const;

  // The log dirs that serve nothing: could not be opened, or failed since.
  std::vector<OfflineDir> OfflineDirs() const;
  // All of log.dirs with what is in them: log_dir_report.h. Blocks.
  std::vector<LogDirReport> ReportLogDirs() const;

  // The broker's boot count.
  LeaderEpoch leader_epoch() const { return parts_.leader_epoch; }

  // `validate_only` checks and changes nothing; `created`, which may be null, then gets a topic with a config
  // but neither id nor partitions.
  TopicError Create(const TopicSpec& spec, bool validate_only, TopicPtr* created);
  TopicError Delete(absl::string_view name);
  TopicError AddPartitions(absl::string_view name, int32_t total, bool validate_only);
  TopicError ChangeConfigs(absl::string_view name, const std::vector<ConfigChange>& changes,
                           bool validate_only);
  // Replaces all overrides (AlterConfigs, the old call).
  TopicError ReplaceConfigs(absl::string_view name, const std::map<std::string, std::string>& configs,
                            bool validate_only);

  // The broker's configs with what was set while it runs: what topics take their defaults from.
  std::shared_ptr<const LiveConfig> live_config() const;
  // Changes what is set while it runs, on this broker or on all, and with it the topics that have no value of
  // their own.
  enum class BrokerScope { kOwn, kAll };
  TopicError ChangeBrokerConfigs(BrokerScope scope, const std::vector<ConfigChange>& changes,
                                 bool validate_only);
  TopicError ReplaceBrokerConfigs(BrokerScope scope, const std::map<std::string, std::string>& configs,
                                  bool validate_only);

  // The stop begins: whoever waits for a partition to move is woken, and nobody should wait from now on.
  // Commits go on: what was appended is still acknowledged. Nothing should read requests any more, or clients
  // that poll would be answered at once again and again.
  void EndLongPolls();
  // Ask again after registering: waiters that come later are not woken.
  bool long_polls_ended() const { return long_polls_ended_.load(); }

  // Told of each topic that was deleted, from the thread that did it, after it is gone. Set once, before
  // anything is deleted.
  void SetOnDeleted(absl::AnyInvocable<void(const std::string& topic)> on_deleted) {
    on_deleted_ = std::move(on_deleted);
  }

  // Every partition is closed: waiters are told, commits that are not through fail. The logs stay open.
  void Close();

 private:
  Catalog(Parts parts, LogShelf shelf);

  absl::Status LoadAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mu_);
  absl::Status LoadTopic(const StoredTopic& stored, int32_t partitions_made)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mu_);
  void WarnOfStrays() ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mu_);
  void Warn(absl::string_view message);

  // Partitions [from, stored.partitions), with their logs.
  absl::StatusOr<std::vector<std::shared_ptr<Partition>>> MakePartitions(const StoredTopic& stored,
                                                                         const TopicConfig& config,
                                                                         int32_t from)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mu_);
  absl::Status DeleteLogs(const Uuid& id, int32_t from, int32_t to) ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mu_);
  void FinishDeletion(const StoredTopic& stored) ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mu_);
  absl::StatusOr<TopicPtr> MakeTopic(const StoredTopic& stored, const TopicConfig& config)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mu_);
  absl::StatusOr<TopicPtr> Grow(const Topic& topic, int32_t total) ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mu_);
  TopicError SetOverrides(const Topic& topic, const std::map<std::string, std::string>& overrides,
                          bool validate_only) ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mu_);
  absl::Status LoadDynamic() ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mu_);
  TopicError SetDynamic(const DynamicConfigs& dynamic, bool validate_only)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mu_);
  void PublishConfig(const DynamicConfigs& dynamic);
  NodeId node_id() const;
  TopicError CheckRoomFor(int64_t partitions) const;
  TopicError CheckOpen() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mu_);
  TopicError DeleteLocked(absl::string_view name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mu_);

  void Publish(TopicPtr topic);
  void Withdraw(const Topic& topic);

  Parts parts_;
  Random own_random_;
  std::atomic<bool> long_polls_ended_ = false;
  std::atomic<int64_t> version_ = 0;
  absl::AnyInvocable<void(const std::string& topic)> on_deleted_;

  absl::Mutex change_mu_;  // Held for the whole of a change, disk and all.
  TopicStore store_ ABSL_GUARDED_BY(change_mu_);
  LogShelf shelf_ ABSL_GUARDED_BY(change_mu_);
  bool closed_ ABSL_GUARDED_BY(change_mu_) = false;

  mutable absl::Mutex mu_ ABSL_ACQUIRED_AFTER(change_mu_);  // Held for a look-up.
  absl::flat_hash_map<std::string, TopicPtr> by_name_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<Uuid, TopicPtr> by_id_ ABSL_GUARDED_BY(mu_);
  size_t partition_count_ ABSL_GUARDED_BY(mu_) = 0;
  std::shared_ptr<const LiveConfig> live_config_ ABSL_GUARDED_BY(mu_);  // Shared with who reads it.
};

// Kafka's rule: 1 to 249 of [a-zA-Z0-9._-], not "." or "..".
TopicError CheckTopicName(absl::string_view name);

}  // namespace sluice::broker
