// Topics, configurations, groups and the cluster: what an operator or a test does once in a while. Every call
// blocks until the answer is there, at most for the client's request_timeout, and retries inside what time
// may heal.
//
//   absl::Status created = (*client)->admin().CreateTopic({.name = "orders", .partitions = 3});
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sluice/group.h"
#include "sluice/position.h"

namespace sluice {

namespace client_internal {
class Core;
}

struct NewTopic {
  std::string name = {};
  int32_t partitions = -1;          // -1: the broker's default.
  int16_t replication_factor = -1;  // -1: the broker's default.
  std::map<std::string, std::string> configs = {};
};

struct PartitionDescription {
  int32_t partition = 0;
  int32_t leader = -1;  // -1: none at the moment.
  int32_t leader_epoch = -1;
  std::vector<int32_t> replicas = {};
  std::vector<int32_t> in_sync_replicas = {};
  std::vector<int32_t> offline_replicas = {};
};

struct TopicDescription {
  std::string name = {};
  std::string topic_id = {};  // 22 characters of base64; empty when the broker has no topic ids.
  bool internal = false;
  std::vector<PartitionDescription> partitions = {};  // Ordered by number.
};

enum class ConfigResourceType : int8_t { kTopic = 2, kBroker = 4 };

struct ConfigResource {
  ConfigResourceType type = ConfigResourceType::kTopic;
  std::string name = {};  // A topic's name or a broker's id.
};

struct ConfigEntry {
  enum class Source : int8_t {
    kUnknown = 0,
    kTopic = 1,
    kDynamicBroker = 2,
    kDynamicDefaultBroker = 3,
    kStaticBroker = 4,
    kDefault = 5,
  };
  std::string name = {};
  std::optional<std::string> value = {};  // Absent when sensitive.
  Source source = Source::kUnknown;
  bool read_only = false;
  bool sensitive = false;
  std::string documentation = {};
};

struct ConfigChange {
  enum class Operation : int8_t { kSet = 0, kDelete = 1, kAppend = 2, kSubtract = 3 };
  std::string name = {};
  std::optional<std::string> value = {};  // Absent for kDelete.
  Operation operation = Operation::kSet;
};

struct BrokerNode {
  int32_t id = -1;
  std::string host = {};
  int32_t port = 0;
  std::string rack = {};  // Empty: none.
};

struct ClusterDescription {
  std::string cluster_id = {};
  int32_t controller_id = -1;
  std::vector<BrokerNode> brokers = {};  // Ordered by id.
};

struct OffsetQuery {
  std::string topic = {};
  int32_t partition = 0;
  Position position = Position::End();
};

struct OffsetAnswer {
  absl::Status status = {};
  int64_t offset = -1;
  int64_t timestamp_ms = -1;  // Of the record found; -1 for the beginning and the end.
  int32_t leader_epoch = -1;
};

struct RecordsToDelete {
  std::string topic = {};
  int32_t partition = 0;
  int64_t before_offset = -1;  // The first that stays; -1: all that may be read go.
};

struct DeletedRecords {
  absl::Status status = {};
  int64_t low_watermark = -1;  // Where the partition starts now.
};

struct ApiVersionRange {
  int16_t api_key = 0;
  int16_t min_version = 0;
  int16_t max_version = 0;
};

// Thread-safe.
class Admin {
 public:
  ~Admin();
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;

  // AlreadyExists, InvalidArgument (name, counts, configs). `validate_only` checks without creating.
  absl::Status CreateTopic(const NewTopic& topic, bool validate_only = false);
  // One status for each topic, in order; the outer one is for the call itself.
  absl::StatusOr<std::vector<absl::Status>> CreateTopics(const std::vector<NewTopic>& topics,
                                                         bool validate_only = false);
  absl::Status DeleteTopic(std::string_view name);
  absl::StatusOr<std::vector<absl::Status>> DeleteTopics(const std::vector<std::string>& names);
  // `total`: how many partitions the topic shall have, more than now.
  absl::Status AddPartitions(std::string_view topic, int32_t total, bool validate_only = false);

  // All topics that the client may see, ordered by name.
  absl::StatusOr<std::vector<TopicDescription>> ListTopics();
  // NotFound names the closest existing topic. Never creates the topic.
  absl::StatusOr<TopicDescription> DescribeTopic(std::string_view name);
  absl::StatusOr<std::vector<absl::StatusOr<TopicDescription>>> DescribeTopics(
      const std::vector<std::string>& names);

  // All settings of one topic or broker, ordered by name.
  absl::StatusOr<std::vector<ConfigEntry>> DescribeConfigs(const ConfigResource& resource);
  // Changes the named settings and leaves the others (IncrementalAlterConfigs, KIP-339).
  absl::Status AlterConfigs(const ConfigResource& resource, const std::vector<ConfigChange>& changes,
                            bool validate_only = false);

  absl::StatusOr<ClusterDescription> DescribeCluster();
  // One answer for each query, in order.
  absl::StatusOr<std::vector<OffsetAnswer>> ListOffsets(const std::vector<OffsetQuery>& queries);
  // Records before the given offsets are gone for good, durably, when this returns (DeleteRecords). One
  // answer for each partition, in order: OutOfRange beyond the partition's end, PermissionDenied for a topic
  // that is only compacted. A partition may be named once.
  absl::StatusOr<std::vector<DeletedRecords>> DeleteRecords(const std::vector<RecordsToDelete>& partitions);

  // All groups of all brokers, ordered by name; only those in one of `states` ("Stable", "Empty", ...) when
  // some are given, where the broker knows how (KIP-518).
  absl::StatusOr<std::vector<GroupListing>> ListGroups(const std::vector<std::string>& states = {});
  // One answer for each group, in order: NotFound when there is none.
  absl::StatusOr<std::vector<absl::StatusOr<GroupDescription>>> DescribeGroups(
      const std::vector<std::string>& group_ids);
  absl::StatusOr<GroupDescription> DescribeGroup(std::string_view group_id);
  // Everything that the group has committed, ordered; of a group that does not exist: nothing.
  absl::StatusOr<std::vector<GroupOffset>> ListGroupOffsets(std::string_view group_id);
  // Commits for a group without members, which need not exist yet. One status for each, in order. A group
  // with members refuses: FailedPrecondition, Kafka's code is UNKNOWN_MEMBER_ID.
  absl::StatusOr<std::vector<absl::Status>> AlterGroupOffsets(std::string_view group_id,
                                                              const std::vector<GroupOffset>& offsets);
  // Groups with their offsets, one status for each, in order: NotFound, or FailedPrecondition while there are
  // members.
  absl::StatusOr<std::vector<absl::Status>> DeleteGroups(const std::vector<std::string>& group_ids);
  absl::Status DeleteGroup(std::string_view group_id);
  // Forgets what was committed of these partitions; FailedPrecondition for topics that a member reads.
  absl::StatusOr<std::vector<absl::Status>> DeleteGroupOffsets(std::string_view group_id,
                                                               const std::vector<TopicPartition>& partitions);

  // What the broker that was connected to first says that it can do.
  absl::StatusOr<std::vector<ApiVersionRange>> ApiVersions();

  // For Client.
  explicit Admin(client_internal::Core& core);

 private:
  client_internal::Core& core_;
};

}  // namespace sluice
