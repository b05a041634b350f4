// The disk side of a broker: metadata, log dirs, topics; opened together because each needs what the one
// before found.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/app/log_dir_failures.h"
#include "broker/config/broker_config.h"
#include "broker/topic/catalog.h"
#include "broker/topic/producer_ids.h"
#include "proto/base/clock.h"
#include "proto/base/logger.h"
#include "storage/disk/disk.h"
#include "storage/disk/executor.h"
#include "storage/log/log_dir.h"
#include "storage/meta/metadata_store.h"

namespace sluice::broker {

// Start and Close from one thread; the parts themselves are thread-safe.
class StorageParts {
 public:
  struct Environment {
    const BrokerConfig& config;
    storage::Disk& disk;
    Clock& clock;
    storage::Executor& pool;
    Logger& logger;
    int64_t partitions_max;  // As many as there may be open files for; more are refused.
    // As storage::LogEnvironment::wrap_index, for every log dir.
    std::function<std::unique_ptr<storage::OffsetIndex>(std::unique_ptr<storage::OffsetIndex>)> wrap_index =
        {};
  };
  // What `environment` refers to must outlive the parts. A sync that fails takes its log dir offline, and
  // ends the process when no other is left. Of several log dirs the first, which holds the metadata, must
  // open; the others may be offline.
  static absl::StatusOr<std::unique_ptr<StorageParts>> Open(const Environment& environment);

  // No append may come any more. Waiters are told, everything is synced and marked clean, but for log dirs
  // that failed.
  absl::Status Close();

  // A log dir failed since the start.
  bool log_dir_failed() const { return failures_.any_at_sync(); }

  Catalog& catalog() { return *catalog_; }
  storage::MetadataStore& metadata() { return *metadata_; }
  ProducerIdAllocator& producer_ids() { return *producer_ids_; }
  const Uuid& cluster_id() const { return cluster_id_; }
  NodeId node_id() const { return node_id_; }

  // "recovered 12 logs after an unclean stop, walked 3.4 MB"
  std::string Summary() const;

 private:
  explicit StorageParts(const Environment& environment);

  absl::Status OpenMetadata();
  absl::Status OpenLogDirs();
  absl::StatusOr<std::unique_ptr<storage::LogDir>> OpenLogDir(const std::string& path);
  absl::Status LoadCatalog();
  size_t DamagedLogs() const;

  const Environment environment_;
  LogDirFailures failures_;  // Log dirs and metadata ask it.
  NodeId node_id_;
  Uuid cluster_id_;
  LeaderEpoch leader_epoch_;
  std::unique_ptr<storage::MetadataStore> metadata_;
  std::vector<std::unique_ptr<storage::LogDir>> log_dirs_;
  std::vector<OfflineDir> offline_dirs_;  // Could not be opened.
  std::unique_ptr<ProducerIdAllocator> producer_ids_;
  std::unique_ptr<Catalog> catalog_;
};

}  // namespace sluice::broker
