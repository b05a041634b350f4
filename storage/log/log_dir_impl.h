// The LogDir of log_dir.h. One idea a file:
//
//   log_dir_impl.cc  what can be asked, maintenance, the orderly end
//   log_dir_open.cc  from a directory to its logs: recovery, in parallel
//   log_dir_make.cc  logs that come and go while it is in use
//
// It owns everything that its logs lean on, in the order in which that must go away: first the timer and the
// cleaner, then the flusher, then the logs' tasks, then the index, last the lock.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "storage/log/cleaner.h"
#include "storage/log/file_lock.h"
#include "storage/log/flusher.h"
#include "storage/log/found_logs.h"
#include "storage/log/journal_scheduler.h"
#include "storage/log/log_dir.h"
#include "storage/log/log_dir_journal.h"
#include "storage/log/meta_properties.h"
#include "storage/log/offline_log.h"
#include "storage/log/partition_log.h"
#include "storage/log/scrubber.h"

namespace sluice::storage {

class LogDirImpl final : public LogDir {
 public:
  static constexpr absl::string_view kCleanMarker = "clean-shutdown";

  LogDirImpl(const LogDirOptions& options, LogEnvironment environment, FileLock lock,
             const MetaProperties& properties, std::unique_ptr<OffsetIndex> index);
  ~LogDirImpl() override;

  // Opens all logs, then starts the timer. Before anything else.
  absl::Status Recover(bool clean);

  std::vector<FoundLog> logs() const override;
  std::vector<DamagedLog> damaged() const override;
  absl::Status health() const override;
  Log* Find(const LogId& id) const override;
  absl::StatusOr<std::shared_ptr<Log>> Create(const LogName& name, const LogOptions& options) override;
  std::shared_ptr<Log> Share(const LogId& id) const override;
  absl::Status Delete(const LogId& id) override;
  void Tick() override;
  size_t CompactDue() override { return cleaner_.CleanAll(); }
  absl::Status Close() override;
  Stats stats() const override;
  absl::StatusOr<DiskSpace> Space() const override { return environment_.disk.SpaceOf(options_.path); }
  const std::string& path() const override { return options_.path; }
  const Uuid& cluster_id() const override { return properties_.cluster_id; }
  const Uuid& directory_id() const override { return properties_.directory_id; }

 private:
  struct Entry {
    LogName name;
    std::shared_ptr<PartitionLog> log;  // Shared with its tasks, the flusher and the broker.
  };
  using Entries = absl::flat_hash_map<LogId, Entry>;
  struct DamagedEntry {
    LogName name;
    std::shared_ptr<OfflineLog> log;  // Shared with the broker.
  };

  std::string PathOf(absl::string_view name) const;
  absl::Status CheckCount(size_t logs) const;
  absl::Status OpenLogs(std::span<const FoundDirectory> found, const LastJournal& last);
  absl::StatusOr<std::shared_ptr<PartitionLog>> OpenFound(const FoundDirectory& found,
                                                          const LastJournal& last);
  StartAfter StartOf(const LogId& id, const LastJournal& last) const;
  LogDirJournal JournalParts();
  absl::Status BeginJournal(const LastJournal& last);
  absl::Status MarkUnclean(bool clean);
  absl::Status MarkClean();
  void PutOffline(const LogName& name, const std::string& directory, absl::Status reason);
  void OnSyncFailed(absl::Status status);
  void RemoveInBackground(std::string path);
  absl::Status CheckIsNew(const LogName& name) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(create_mu_);
  absl::StatusOr<std::shared_ptr<PartitionLog>> MakeLog(const std::string& path, const LogName& name,
                                                        const LogOptions& options);
  std::vector<Entry> AllEntries() const;
  std::vector<std::shared_ptr<PartitionLog>> AllLogs() const;
  void RunTimer();
  void StopTimer();
  std::vector<std::weak_ptr<ScrubTarget>> ScrubTargets() const;

  // Set at construction.
  const LogDirOptions options_;
  const LogEnvironment environment_;
  const FileLock lock_;
  const MetaProperties properties_;
  const std::unique_ptr<OffsetIndex> index_;
  SyncFailure failure_;
  std::unique_ptr<SyncScheduler> syncs_;  // Outlives the logs' last append.
  LogContext context_;
  std::shared_ptr<Scrubber> scrubber_;  // Shared with its task on the pool.
  Stats stats_;                         // Set by Recover (under logs_mu_), but for the number of logs.

  absl::Mutex create_mu_;  // One Create or Delete at a time.
  mutable absl::Mutex logs_mu_ ABSL_ACQUIRED_AFTER(create_mu_);
  Entries logs_ ABSL_GUARDED_BY(logs_mu_);
  absl::flat_hash_map<LogId, DamagedEntry> damaged_ ABSL_GUARDED_BY(logs_mu_);
  bool closed_ ABSL_GUARDED_BY(create_mu_) = false;

  LogCleaner cleaner_;

  absl::Mutex timer_mu_;
  bool stopping_ ABSL_GUARDED_BY(timer_mu_) = false;
  std::thread timer_;
};

}  // namespace sluice::storage
