#include "broker/topic/catalog.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/topic/log_dir_report.h"
#include "broker/topic/topic_rules.h"
#include "proto/base/nearest_name.h"
#include "proto/base/status_macros.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;

StoredTopic StoredOf(const Topic& topic) {
  return {.name = topic.name,
          .id = topic.id,
          .partitions = static_cast<int32_t>(topic.partitions.size()),
          .configs = topic.config.overrides(),
          .created_ms = topic.created_ms};
}

TopicError StorageFailure(const absl::Status& status, absl::string_view what) {
  return {ErrorCode::kKafkaStorageError, absl::StrCat(what, ": ", status.message()),
          absl::IsResourceExhausted(status)};
}

TopicError BadConfig(const absl::Status& status) {
  return {ErrorCode::kInvalidConfig, std::string(status.message())};
}

}  // namespace

Partition* Topic::Find(PartitionId partition) const {
  const auto index = static_cast<size_t>(partition.value());
  return partition.value() >= 0 && index < partitions.size() ? partitions[index].get() : nullptr;
}

std::shared_ptr<Partition> Topic::Share(PartitionId partition) const {
  return Find(partition) == nullptr ? nullptr : partitions[static_cast<size_t>(partition.value())];
}

Catalog::Catalog(Parts parts, LogShelf shelf)
    : parts_(std::move(parts)),
      own_random_(Random::FromSystem()),
      store_(parts_.metadata),
      shelf_(std::move(shelf)),
      live_config_(std::make_shared<const LiveConfig>(LiveConfig{.dynamic = {}, .in_force = parts_.config})) {
}

// While the topics can still be looked up: callbacks of partitions do.
Catalog::~Catalog() {
  Close();
}

TopicPtr Catalog::Find(absl::string_view name) const {
  absl::ReaderMutexLock lock(&mu_);
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

TopicPtr Catalog::FindById(const Uuid& id) const {
  absl::ReaderMutexLock lock(&mu_);
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

std::vector<TopicPtr> Catalog::All() const {
  std::vector<TopicPtr> all;
  {
    absl::ReaderMutexLock lock(&mu_);
    all.reserve(by_name_.size());
    for (const auto& [name, topic] : by_name_) {
      all.push_back(topic);
    }
  }
  std::sort(all.begin(), all.end(), [](const TopicPtr& a, const TopicPtr& b) { return a->name < b->name; });
  return all;
}

size_t Catalog::partition_count() const {
  absl::ReaderMutexLock lock(&mu_);
  return partition_count_;
}

std::vector<OfflineDir> Catalog::OfflineDirs() const {
  std::vector<OfflineDir> offline = parts_.offline_dirs;
  for (const storage::LogDir* dir : parts_.log_dirs) {
    if (const absl::Status health = dir->health(); !health.ok()) {
      offline.push_back({.path = dir->path(), .reason = std::string(health.message())});
    }
  }
  return offline;
}

std::vector<LogDirReport> Catalog::ReportLogDirs() const {
  return broker::ReportLogDirs(parts_.log_dirs, parts_.offline_dirs, All());
}

TopicError Catalog::UnknownTopic(absl::string_view name) const {
  const std::vector<TopicPtr> all = All();
  std::vector<absl::string_view> names;
  for (const TopicPtr& topic : all) {
    names.push_back(topic->name);
  }
  const auto nearest = NearestName(name, names);
  return {ErrorCode::kUnknownTopicOrPartition,
          absl::StrCat("there is no topic \"", name, "\"",
                       nearest ? absl::StrCat("; did you mean \"", *nearest, "\"?") : "; create it first")};
}

TopicError Catalog::Create(const TopicSpec& spec, bool validate_only, TopicPtr* created) {
  if (TopicError error = CheckTopicName(spec.name); !error.ok()) {
    return error;
  }
  if (TopicError error = CheckReplicationFactor(spec.replication_factor); !error.ok()) {
    return error;
  }
  absl::MutexLock change(&change_mu_);
  const absl::StatusOr<TopicConfig> config = TopicConfig::Resolve(live_config()->in_force, spec.configs);
  if (!config.ok()) {
    return BadConfig(config.status());
  }
  if (TopicError error = CheckOpen(); !error.ok()) {
    return error;
  }
  if (Find(spec.name) != nullptr) {
    return {ErrorCode::kTopicAlreadyExists, absl::StrCat("topic \"", spec.name, "\" exists already")};
  }
  const int64_t partitions = spec.partitions == -1 ? parts_.config.Int("num.partitions") : spec.partitions;
  TopicError too_many = CheckRoomFor(partitions);
  if (!too_many.ok()) {
    return too_many;
  }
  StoredTopic stored = {.name = spec.name,
                        .partitions = static_cast<int32_t>(partitions),
                        .configs = config->overrides(),
                        .created_ms = parts_.clock.NowMs()};
  TopicPtr topic;
  if (validate_only) {
    topic = std::make_shared<const Topic>(Topic{
        .name = stored.name, .id = {}, .partitions = {}, .config = *config, .created_ms = stored.created_ms});
  } else {
    stored.id = Uuid::Generate(parts_.random != nullptr ? *parts_.random : own_random_);
    absl::StatusOr<TopicPtr> made = MakeTopic(stored, *config);
    if (!made.ok()) {
      return StorageFailure(made.status(), absl::StrCat("topic \"", spec.name, "\" could not be created"));
    }
    topic = *std::move(made);
    Publish(topic);
  }
  if (created != nullptr) {
    *created = std::move(topic);
  }
  return {};
}

TopicError Catalog::Delete(absl::string_view name) {
  const std::string topic(name);
  {
    absl::MutexLock change(&change_mu_);
    if (TopicError error = DeleteLocked(topic); !error.ok()) {
      return error;
    }
  }
  if (on_deleted_) {
    on_deleted_(topic);
  }
  return {};
}

TopicError Catalog::DeleteLocked(absl::string_view name) {
  if (TopicError error = CheckOpen(); !error.ok()) {
    return error;
  }
  if (!parts_.config.Bool("delete.topic.enable")) {
    return {ErrorCode::kTopicDeletionDisabled, "deleting topics is switched off (delete.topic.enable=false)"};
  }
  if (TopicError error = CheckNotInternal(name, "be deleted"); !error.ok()) {
    return error;
  }
  const TopicPtr topic = Find(name);
  if (topic == nullptr) {
    return UnknownTopic(name);
  }
  const StoredTopic stored = StoredOf(*topic);
  if (absl::Status status = store_.MarkDeleted(stored); !status.ok()) {
    return StorageFailure(status, absl::StrCat("topic \"", name, "\" could not be deleted"));
  }
  Withdraw(*topic);
  for (const std::shared_ptr<Partition>& partition : topic->partitions) {
    partition->Close();
  }
  FinishDeletion(stored);
  return {};
}

TopicError Catalog::AddPartitions(absl::string_view name, int32_t total, bool validate_only) {
  absl::MutexLock change(&change_mu_);
  if (TopicError error = CheckOpen(); !error.ok()) {
    return error;
  }
  if (TopicError error = CheckNotInternal(name, "get more partitions"); !error.ok()) {
    return error;
  }
  const TopicPtr topic = Find(name);
  if (topic == nullptr) {
    return UnknownTopic(name);
  }
  const auto before = static_cast<int64_t>(topic->partitions.size());
  if (total <= before) {
    return {ErrorCode::kInvalidPartitions,
            absl::StrCat("topic \"", name, "\" has ", before, " partitions; ", total,
                         " are not more, and partitions are never taken away")};
  }
  TopicError too_many = CheckRoomFor(total - before);
  if (!too_many.ok() || validate_only) {
    return too_many;
  }
  absl::StatusOr<TopicPtr> grown = Grow(*topic, total);
  if (!grown.ok()) {
    return StorageFailure(grown.status(), absl::StrCat("topic \"", name, "\" could not get more partitions"));
  }
  Publish(*std::move(grown));
  return {};
}

TopicError Catalog::ChangeConfigs(absl::string_view name, const std::vector<ConfigChange>& changes,
                                  bool validate_only) {
  absl::MutexLock change(&change_mu_);
  const TopicPtr topic = Find(name);
  if (topic == nullptr) {
    return UnknownTopic(name);
  }
  std::map<std::string, std::string> overrides = topic->config.overrides();
  if (TopicError error = ApplyChanges(changes, live_config()->in_force, &overrides); !error.ok()) {
    return error;
  }
  return SetOverrides(*topic, overrides, validate_only);
}

TopicError Catalog::ReplaceConfigs(absl::string_view name, const std::map<std::string, std::string>& configs,
                                   bool validate_only) {
  absl::MutexLock change(&change_mu_);
  const TopicPtr topic = Find(name);
  return topic == nullptr ? UnknownTopic(name) : SetOverrides(*topic, configs, validate_only);
}

TopicError Catalog::SetOverrides(const Topic& topic, const std::map<std::string, std::string>& overrides,
                                 bool validate_only) {
  absl::StatusOr<TopicConfig> config = TopicConfig::Resolve(live_config()->in_force, overrides);
  if (!config.ok()) {
    return BadConfig(config.status());
  }
  if (TopicError error = CheckOpen(); !error.ok() || validate_only) {
    return error;
  }
  auto changed = std::make_shared<Topic>(topic);
  changed->config = *std::move(config);
  if (absl::Status status = store_.Replace(StoredOf(*changed)); !status.ok()) {
    return StorageFailure(status,
                          absl::StrCat("the configs of topic \"", topic.name, "\" could not be changed"));
  }
  for (const std::shared_ptr<Partition>& partition : changed->partitions) {
    partition->log().SetOptions(changed->config.log());
  }
  Publish(std::move(changed));
  return {};
}

TopicError Catalog::CheckRoomFor(int64_t partitions) const {
  return CheckPartitionCount(partitions, {.used = static_cast<int64_t>(partition_count()),
                                          .configured = parts_.config.Int("sluice.partitions.max"),
                                          .open_files_for = parts_.open_files_for});
}

TopicError Catalog::CheckOpen() const {
  if (!closed_) {
    return {};
  }
  return {ErrorCode::kNotController, "the broker is stopping: try again when it is back"};
}

void Catalog::EndLongPolls() {
  long_polls_ended_.store(true);
  for (const TopicPtr& topic : All()) {
    for (const std::shared_ptr<Partition>& partition : topic->partitions) {
      partition->WakeWaiters();
    }
  }
}

void Catalog::Close() {
  {
    absl::MutexLock change(&change_mu_);
    closed_ = true;
  }
  for (const TopicPtr& topic : All()) {
    for (const std::shared_ptr<Partition>& partition : topic->partitions) {
      partition->Close();
    }
  }
}

void Catalog::Publish(TopicPtr topic) {
  absl::MutexLock lock(&mu_);
  TopicPtr& by_name = by_name_[topic->name];
  partition_count_ += topic->partitions.size() - (by_name == nullptr ? 0 : by_name->partitions.size());
  by_id_[topic->id] = topic;
  by_name.swap(topic);  // The version before dies after the lock.
  ++version_;
}

void Catalog::Withdraw(const Topic& topic) {
  absl::MutexLock lock(&mu_);
  partition_count_ -= topic.partitions.size();
  by_id_.erase(topic.id);
  by_name_.erase(topic.name);
  ++version_;
}

}  // namespace sluice::broker
