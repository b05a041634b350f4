// The half of the catalog that makes, finds and drops logs: what creation, growth and deletion do on the
// disk, in the order that topic_store.h tells, and how a start goes on from where a crash left them.
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "broker/topic/catalog.h"
#include "proto/base/status_macros.h"

namespace sluice::broker {

absl::StatusOr<std::unique_ptr<Catalog>> Catalog::Load(Parts parts) {
  ASSIGN_OR_RETURN(LogShelf shelf, LogShelf::Open(parts.log_dirs, parts.offline_dirs));
  std::unique_ptr<Catalog> catalog(new Catalog(std::move(parts), std::move(shelf)));
  absl::MutexLock change(&catalog->change_mu_);
  RETURN_IF_ERROR(catalog->LoadAll());
  return catalog;
}

absl::Status Catalog::LoadAll() {
  RETURN_IF_ERROR(LoadDynamic());
  ASSIGN_OR_RETURN(const TopicStore::Everything everything, store_.Read());
  for (const StoredTopic& deleted : everything.deleted) {
    FinishDeletion(deleted);
  }
  for (const StoredTopic& stored : everything.topics) {
    const auto unfinished = everything.unfinished.find(stored.name);
    const bool finished = unfinished == everything.unfinished.end();
    absl::Status status = LoadTopic(stored, finished ? stored.partitions : unfinished->second);
    if (!status.ok()) {
      return WithContext(status, absl::StrCat("topic ", stored.name));
    }
    if (!finished && shelf_.complete()) {
      RETURN_IF_ERROR(store_.Finish(stored.name));
    }
  }
  WarnOfStrays();
  return absl::OkStatus();
}

absl::Status Catalog::LoadTopic(const StoredTopic& stored, int32_t partitions_made) {
  ASSIGN_OR_RETURN(const TopicConfig config, TopicConfig::Resolve(live_config()->in_force, stored.configs));
  for (int32_t i = 0; i < stored.partitions; ++i) {
    const storage::LogName name = {.topic = stored.name, .id = {stored.id, PartitionId(i)}};
    if (shelf_.Find(name.id) != nullptr) {
      continue;
    }
    if (!shelf_.complete()) {
      shelf_.PresumeOffline(name);
    } else if (i < partitions_made) {
      return absl::DataLossError(absl::StrCat(
          "the log of partition ", i,
          " is in none of log.dirs, though it was made: is a disk not "
          "mounted, or a directory missing from log.dirs? Put it back, or restore it from a backup"));
    }
  }
  ASSIGN_OR_RETURN(auto partitions, MakePartitions(stored, config, 0));
  Publish(std::make_shared<const Topic>(Topic{.name = stored.name,
                                              .id = stored.id,
                                              .partitions = std::move(partitions),
                                              .config = config,
                                              .created_ms = stored.created_ms}));
  return absl::OkStatus();
}

void Catalog::WarnOfStrays() {
  for (const LogShelf::Entry& entry : shelf_.Entries()) {
    const TopicPtr topic = FindById(entry.name.id.topic_id);
    if (topic == nullptr || topic->Find(entry.name.id.partition) == nullptr) {
      Warn(absl::StrCat(entry.directory, " belongs to no topic (id ", entry.name.id.topic_id.ToString(),
                        ") and is left alone: delete it if nobody misses it"));
    }
  }
}

void Catalog::Warn(absl::string_view message) {
  if (parts_.logger != nullptr) {
    parts_.logger->Warning("topic", message);
  }
}

absl::StatusOr<std::vector<std::shared_ptr<Partition>>> Catalog::MakePartitions(const StoredTopic& stored,
                                                                                const TopicConfig& config,
                                                                                int32_t from) {
  std::vector<std::shared_ptr<Partition>> partitions;
  for (int32_t i = from; i < stored.partitions; ++i) {
    const storage::LogName name = {.topic = stored.name, .id = {stored.id, PartitionId(i)}};
    ASSIGN_OR_RETURN(auto log, shelf_.FindOrCreate(name, config.log()));
    partitions.push_back(
        std::make_shared<Partition>(stored.name, PartitionId(i), parts_.leader_epoch, std::move(log)));
    // A log that was found on the disk begins its upkeep when it knows its options, and what upkeep moves the
    // partition must hear of: so only now, when it listens.
    partitions.back()->log().SetOptions(config.log());
  }
  return partitions;
}

absl::StatusOr<TopicPtr> Catalog::MakeTopic(const StoredTopic& stored, const TopicConfig& config) {
  RETURN_IF_ERROR(store_.Create(stored));
  auto partitions = MakePartitions(stored, config, 0);
  const absl::Status status = partitions.ok() ? store_.Finish(stored.name) : partitions.status();
  if (!status.ok()) {
    // Taken back; if that fails as well, the next start goes on from whatever was reached.
    if (store_.MarkDeleted(stored).ok()) {
      FinishDeletion(stored);
    }
    return status;
  }
  return std::make_shared<const Topic>(Topic{.name = stored.name,
                                             .id = stored.id,
                                             .partitions = *std::move(partitions),
                                             .config = config,
                                             .created_ms = stored.created_ms});
}

absl::StatusOr<TopicPtr> Catalog::Grow(const Topic& topic, int32_t total) {
  const auto before = static_cast<int32_t>(topic.partitions.size());
  StoredTopic stored = {.name = topic.name,
                        .id = topic.id,
                        .partitions = total,
                        .configs = topic.config.overrides(),
                        .created_ms = topic.created_ms};
  RETURN_IF_ERROR(store_.Grow(stored, before));
  auto added = MakePartitions(stored, topic.config, before);
  const absl::Status status = added.ok() ? store_.Finish(stored.name) : added.status();
  if (!status.ok()) {
    stored.partitions = before;
    if (DeleteLogs(stored.id, before, total).ok() && store_.Replace(stored).ok()) {
      store_.Finish(stored.name).IgnoreError();  // The next start does it: nothing is missing.
    }
    return status;
  }
  auto grown = std::make_shared<Topic>(topic);
  grown->partitions.insert(grown->partitions.end(), added->begin(), added->end());
  return TopicPtr(std::move(grown));
}

absl::Status Catalog::DeleteLogs(const Uuid& id, int32_t from, int32_t to) {
  absl::Status first_error;
  for (int32_t i = from; i < to; ++i) {
    first_error.Update(shelf_.Delete({id, PartitionId(i)}));
  }
  return first_error;
}

void Catalog::FinishDeletion(const StoredTopic& stored) {
  absl::Status status = DeleteLogs(stored.id, 0, stored.partitions);
  if (status.ok()) {
    status = store_.ForgetDeleted(stored.id);
  }
  if (!status.ok()) {
    Warn(absl::StrCat("topic ", stored.name, " is deleted, but some of its files are still there: ",
                      status.message(), "; the next start tries again"));
  }
}

}  // namespace sluice::broker
