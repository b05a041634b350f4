// The durable truth about topics, as transactions of the MetadataStore. Three families of keys:
//
//   /topics/<name>             the topic: id, partitions, configs
//   /unfinished-topics/<name>  beside it while logs are being made: partition_count is how many partitions
//   had
//                              their logs before, so those from there on may lack theirs
//   /deleted-topics/<id>       in its place while logs are being deleted
//
// and, since topics take their defaults from it, what was set on the broker while it runs:
//
//   /configs/brokers/<node id> its own
//   /configs/brokers/all       that of all brokers
//
// A crash leaves one of these, and Catalog::Load goes on from there:
//
//   create   {topics + unfinished 0} -> logs, one after the other -> {- unfinished}
//   grow     {topics with n more + unfinished n} -> logs -> {- unfinished}
//   delete   {- topics, - unfinished, + deleted} -> logs -> {- deleted}
//
// So a missing log below "unfinished" is never taken for one that was not made yet: it is lost data.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/config/dynamic_config.h"
#include "proto/base/ids.h"
#include "proto/base/uuid.h"
#include "storage/meta/metadata_store.h"

namespace sluice::broker {

struct StoredTopic {
  std::string name;
  Uuid id;
  int32_t partitions = 0;
  std::map<std::string, std::string> configs;
  int64_t created_ms = 0;
};

// Everything blocks. Thread-safe as the store is; the catalog serialises changes.
class TopicStore {
 public:
  explicit TopicStore(storage::MetadataStore& store) : store_(store) {}

  struct Everything {
    std::vector<StoredTopic> topics;
    std::map<std::string, int32_t> unfinished;  // Name -> partitions that had their logs before.
    std::vector<StoredTopic> deleted;
  };
  absl::StatusOr<Everything> Read();

  // Fails when there is a topic of that name.
  absl::Status Create(const StoredTopic& topic);
  // `topic` has the new count.
  absl::Status Grow(const StoredTopic& topic, int32_t partitions_before);
  absl::Status Finish(const std::string& name);

  absl::Status Replace(const StoredTopic& topic);

  absl::StatusOr<DynamicConfigs> ReadDynamic(NodeId node);
  absl::Status ReplaceDynamic(NodeId node, const DynamicConfigs& configs);

  absl::Status MarkDeleted(const StoredTopic& topic);
  absl::Status ForgetDeleted(const Uuid& id);

 private:
  storage::MetadataStore& store_;
};

}  // namespace sluice::broker
