// Logs that come and go while the log dir is in use.
#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "storage/log/found_logs.h"
#include "storage/log/log_dir_impl.h"

namespace sluice::storage {

absl::Status LogDirImpl::CheckIsNew(const LogName& name) const {
  if (closed_) {
    return absl::FailedPreconditionError(absl::StrCat("log dir ", options_.path, " was closed"));
  }
  RETURN_IF_ERROR(health());
  if (Find(name.id) != nullptr || environment_.disk.Exists(PathOf(LogDirectoryName(name)))) {
    return absl::AlreadyExistsError(
        absl::StrCat("log dir ", options_.path, ": there is a log ", LogDirectoryName(name), " already"));
  }
  return absl::OkStatus();
}

// Everything is made before anything is synced: the first sync then carries it all, and the others find
// little left to do. A power cut in between leaves a directory that FindLogs knows for one that was never
// finished.
absl::StatusOr<std::shared_ptr<PartitionLog>> LogDirImpl::MakeLog(const std::string& path,
                                                                  const LogName& name,
                                                                  const LogOptions& options) {
  Disk& disk = environment_.disk;
  const std::string metadata = absl::StrCat(path, "/", kPartitionMetadata);
  RETURN_IF_ERROR(disk.CreateDirectory(path));
  ASSIGN_OR_RETURN(const std::unique_ptr<File> file, disk.Open(metadata, Disk::OpenMode::kCreateNew));
  RETURN_IF_ERROR(file->WriteAt(0, AsBytes(EncodePartitionMetadata(name.id.topic_id))));
  ASSIGN_OR_RETURN(std::shared_ptr<PartitionLog> log, PartitionLog::Create(context_, path, name.id, options));
  RETURN_IF_ERROR(file->Sync());
  RETURN_IF_ERROR(disk.SyncDirectory(path));
  RETURN_IF_ERROR(disk.SyncDirectory(options_.path));
  return log;
}

absl::StatusOr<std::shared_ptr<Log>> LogDirImpl::Create(const LogName& name, const LogOptions& options) {
  absl::MutexLock create(&create_mu_);
  RETURN_IF_ERROR(CheckIsNew(name));
  const std::string path = PathOf(LogDirectoryName(name));
  absl::StatusOr<std::shared_ptr<PartitionLog>> log = MakeLog(path, name, options);
  if (!log.ok()) {
    environment_.disk.RemoveTree(path).IgnoreError();
    return log.status();
  }
  absl::MutexLock lock(&logs_mu_);
  logs_[name.id] = {name, *log};
  return std::shared_ptr<Log>(*std::move(log));
}

// Renamed, it is deleted for every restart to come; what is left is a matter of disk space.
absl::Status LogDirImpl::Delete(const LogId& id) {
  absl::MutexLock create(&create_mu_);
  RETURN_IF_ERROR(health());  // What it says of a rename could not be believed: the next start deletes.
  Entry entry;
  DamagedEntry damaged;
  {
    absl::MutexLock lock(&logs_mu_);
    if (const auto found = logs_.find(id); found != logs_.end()) {
      entry = found->second;
      logs_.erase(found);
    } else if (const auto offline = damaged_.find(id); offline != damaged_.end()) {
      damaged = offline->second;
      damaged_.erase(offline);
    } else {
      return absl::NotFoundError(absl::StrCat("log dir ", options_.path, ": no log of topic ",
                                              id.topic_id.ToString(), ", partition ", id.partition.value()));
    }
  }
  if (entry.log != nullptr) {
    entry.log->Abandon();
  }
  const LogName& name = entry.log != nullptr ? entry.name : damaged.name;
  const std::string path = PathOf(LogDirectoryName(name));
  const std::string deleted = absl::StrCat(path, ".", id.topic_id.ToString(), kDeletedLogSuffix);
  RETURN_IF_ERROR(environment_.disk.Rename(path, deleted));
  RETURN_IF_ERROR(environment_.disk.SyncDirectory(options_.path));
  index_->DropLog(id);
  RemoveInBackground(deleted);
  return absl::OkStatus();
}

// The task owns nothing of this object's: it may run after it is gone.
void LogDirImpl::RemoveInBackground(std::string path) {
  environment_.pool.Post([&disk = environment_.disk, path = std::move(path)] {
    disk.RemoveTree(path).IgnoreError();  // What stays is removed at the next start.
  });
}

}  // namespace sluice::storage
