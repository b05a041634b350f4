#include "broker/app/storage_parts.h"

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "broker/app/exit_code.h"
#include "broker/app/guarded_metadata_store.h"
#include "broker/app/version.h"
#include "broker/topic/identity.h"
#include "proto/base/random.h"
#include "proto/base/status_macros.h"
#include "storage/meta/rocks_metadata_store.h"

namespace sluice::broker {
namespace {

storage::CleanerOptions ToCleanerOptions(const BrokerConfig& config) {
  // Kafka's default, the largest double, is no limit.
  const double rate = config.Double("log.cleaner.io.max.bytes.per.second");
  return {.enabled = config.Bool("log.cleaner.enable"),
          .threads = static_cast<int>(config.Int("log.cleaner.threads")),
          .map_bytes = static_cast<uint64_t>(config.Int("log.cleaner.dedupe.buffer.size")),
          .backoff_ms = config.Int("log.cleaner.backoff.ms"),
          .bytes_per_second_max = rate < 9e18 ? static_cast<int64_t>(rate) : 0};
}

storage::LogDirOptions ToLogDirOptions(const BrokerConfig& config, const std::string& path, NodeId node_id,
                                       int64_t logs_max) {
  return {.path = path,
          .node_id = node_id,
          .logs_max = logs_max,
          .recovery_threads = static_cast<int>(config.Int("num.recovery.threads.per.data.dir")),
          .checkpoint_interval_bytes = config.Int("sluice.checkpoint.bytes"),
          .maintenance_interval_ms = config.Int("sluice.maintenance.interval.ms"),
          .idle_unmap_ms = config.Int("sluice.idle.unmap.ms"),
          .producer_id_expiration_ms = config.Int("producer.id.expiration.ms"),
          .index_cache_bytes = static_cast<uint64_t>(config.Int("sluice.index.cache.bytes")),
          .journal = {.enabled = config.String("sluice.sync.method") == "journal",
                      .directory = config.String("sluice.journal.dir"),
                      .bytes = config.Int("sluice.journal.bytes"),
                      .direct_bytes = config.Int("sluice.journal.direct.bytes")},
          .scrub_bytes_per_second = static_cast<uint64_t>(config.Int("sluice.scrub.bytes.per.second")),
          .scrub_interval_ms = config.Int("sluice.scrub.interval.ms"),
          .cleaner = ToCleanerOptions(config)};
}

// After a failed sync the kernel may call lost pages clean, so nothing that memory holds can be trusted to be
// on the disk: with no other log dir to serve the process ends here and now, before another ack leaves it,
// and the next start reads what is really there.
[[noreturn]] void EndNow() {
  std::_Exit(kExitStorageFailed);
}

// Somebody else's, a newer format's, or more than may be open: not a matter of the disk, and not to be passed
// over.
bool IsMisconfigured(const absl::Status& status) {
  return absl::IsFailedPrecondition(status);
}

}  // namespace

StorageParts::StorageParts(const Environment& environment)
    : environment_(environment),
      failures_(environment.config.List("log.dirs").size(), environment.logger, EndNow) {}

absl::StatusOr<std::unique_ptr<StorageParts>> StorageParts::Open(const Environment& environment) {
  std::unique_ptr<StorageParts> parts(new StorageParts(environment));
  RETURN_IF_ERROR(parts->OpenMetadata());
  RETURN_IF_ERROR(parts->OpenLogDirs());
  RETURN_IF_ERROR(parts->LoadCatalog());
  return parts;
}

absl::Status StorageParts::OpenMetadata() {
  const BrokerConfig& config = environment_.config;
  const std::string path = config.List("log.dirs").front();
  RETURN_IF_ERROR(environment_.disk.CreateDirectory(path));
  ASSIGN_OR_RETURN(
      std::unique_ptr<storage::MetadataStore> store,
      storage::OpenRocksMetadataStore(absl::StrCat(path, "/metadata"), {.clock = environment_.clock}));
  metadata_ = GuardMetadataStore(std::move(store), [this, path] { return failures_.Of(path); });
  Random random = Random::FromSystem();
  node_id_ = NodeId(static_cast<int32_t>(config.Int("node.id")));
  ASSIGN_OR_RETURN(cluster_id_, ClusterId(*metadata_, random, environment_.clock));
  ASSIGN_OR_RETURN(leader_epoch_, NextBootEpoch(*metadata_, node_id_, kVersion, environment_.clock));
  producer_ids_ = std::make_unique<ProducerIdAllocator>(*metadata_);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<storage::LogDir>> StorageParts::OpenLogDir(const std::string& path) {
  int64_t logs_max = environment_.partitions_max;
  for (const auto& opened : log_dirs_) {
    logs_max -= static_cast<int64_t>(opened->stats().logs);
  }
  storage::LogEnvironment environment{
      .disk = environment_.disk,
      .clock = environment_.clock,
      .pool = environment_.pool,
      .on_fatal = [this, path](absl::Status status) { failures_.AtSync(path, status); },
      .on_damage =
          [&logger = environment_.logger](absl::string_view damage) {
            logger.Error("scrub", absl::StrCat(damage,
                                               "; what is whole is served on. The disk may be failing: "
                                               "check it, and restore the file or use `sluice log repair`"));
          },
      .on_warning =
          [&logger = environment_.logger](const std::string& warning) { logger.Warning("log", warning); }};
  if (environment_.wrap_index) {
    environment.wrap_index = environment_.wrap_index;
  }
  return storage::LogDir::Open(ToLogDirOptions(environment_.config, path, node_id_, logs_max), cluster_id_,
                               std::move(environment));
}

absl::Status StorageParts::OpenLogDirs() {
  const std::vector<std::string>& paths = environment_.config.List("log.dirs");
  for (const std::string& path : paths) {
    absl::StatusOr<std::unique_ptr<storage::LogDir>> log_dir = OpenLogDir(path);
    if (!log_dir.ok()) {
      const bool sync_failed = !failures_.Of(path).ok();
      if (path == paths.front() || (IsMisconfigured(log_dir.status()) && !sync_failed)) {
        return log_dir.status();
      }
      failures_.AtStart(path, log_dir.status());
      offline_dirs_.push_back({.path = path, .reason = std::string(log_dir.status().message())});
      continue;
    }
    for (const std::string& loss : (*log_dir)->stats().losses) {
      environment_.logger.Warning("log", loss);
    }
    for (const storage::LogDir::DamagedLog& damaged : (*log_dir)->damaged()) {
      environment_.logger.Error(
          "log", absl::StrCat("partition ", damaged.name.topic, "-", damaged.name.id.partition.value(),
                              " is offline: ", damaged.status.message()));
    }
    log_dirs_.push_back(*std::move(log_dir));
  }
  return absl::OkStatus();
}

absl::Status StorageParts::LoadCatalog() {
  std::vector<storage::LogDir*> log_dirs;
  for (const auto& log_dir : log_dirs_) {
    log_dirs.push_back(log_dir.get());
  }
  ASSIGN_OR_RETURN(catalog_, Catalog::Load({.metadata = *metadata_,
                                            .log_dirs = log_dirs,
                                            .config = environment_.config,
                                            .clock = environment_.clock,
                                            .leader_epoch = leader_epoch_,
                                            .open_files_for = environment_.partitions_max,
                                            .logger = &environment_.logger,
                                            .offline_dirs = offline_dirs_}));
  return absl::OkStatus();
}

absl::Status StorageParts::Close() {
  catalog_->Close();
  absl::Status first;
  for (const auto& log_dir : log_dirs_) {
    const absl::Status closed = log_dir->Close();
    if (log_dir->health().ok()) {  // Else it was told when it failed.
      first.Update(closed);
    }
  }
  return first;
}

size_t StorageParts::DamagedLogs() const {
  size_t damaged = 0;
  for (const auto& log_dir : log_dirs_) {
    damaged += log_dir->damaged().size();
  }
  return damaged;
}

std::string StorageParts::Summary() const {
  if (catalog_->partition_count() == 0) {
    return "no topics yet";
  }
  bool clean = true;
  uint64_t walked = 0;
  for (const auto& log_dir : log_dirs_) {
    clean = clean && log_dir->stats().clean_start;
    walked += log_dir->stats().recovered_bytes;
  }
  std::string offline;
  if (!offline_dirs_.empty()) {
    absl::StrAppend(&offline, ", ", offline_dirs_.size(), " log dirs OFFLINE");
  }
  if (const size_t damaged = DamagedLogs(); damaged > 0) {
    absl::StrAppend(&offline, ", ", damaged, " partitions OFFLINE: damaged");
  }
  return absl::StrFormat("%d topics, %d partitions%s, %s", catalog_->All().size(),
                         catalog_->partition_count(), offline,
                         clean ? "last stop was clean"
                               : absl::StrFormat("last stop was not clean: checked %.1f MB of log",
                                                 static_cast<double>(walked) / 1e6));
}

}  // namespace sluice::broker
