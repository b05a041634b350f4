// From a directory to its logs: what the last life left is recovered before the first append.
#include <algorithm>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/base/random.h"
#include "proto/base/status_macros.h"
#include "storage/log/found_logs.h"
#include "storage/log/log_dir_impl.h"
#include "storage/log/open_log.h"
#include "storage/log/side_by_side.h"

namespace sluice::storage {
namespace {

// What was opened to walk a log stays open until it is synced: so many logs hold descriptors at a time.
constexpr size_t kOpenedTogether = 256;
// ... and no more files of one, else it is synced on its own: without the index, a log is walked whole.
constexpr size_t kFilesHeldMax = 2;
constexpr int kSyncedAtOnce = 8;

}  // namespace

absl::StatusOr<std::unique_ptr<LogDir>> LogDir::Open(const LogDirOptions& options, const Uuid& cluster_id,
                                                     LogEnvironment environment) {
  Disk& disk = environment.disk;
  RETURN_IF_ERROR(disk.CreateDurableDirectory(options.path));
  ASSIGN_OR_RETURN(FileLock lock, FileLock::Take(absl::StrCat(options.path, "/.lock")));
  Random random = Random::FromSystem();
  ASSIGN_OR_RETURN(
      const MetaProperties properties,
      TakeMetaProperties(
          disk, options.path,
          {.cluster_id = cluster_id, .node_id = options.node_id, .directory_id = Uuid::Generate(random)}));
  const bool clean = disk.Exists(absl::StrCat(options.path, "/", LogDirImpl::kCleanMarker));
  ASSIGN_OR_RETURN(std::unique_ptr<OffsetIndex> index,
                   OffsetIndex::Open({.path = absl::StrCat(options.path, "/index"),
                                      .cache_bytes = options.index_cache_bytes}));
  if (environment.wrap_index) {
    index = environment.wrap_index(std::move(index));
  }
  auto dir = std::make_unique<LogDirImpl>(options, std::move(environment), std::move(lock), properties,
                                          std::move(index));
  RETURN_IF_ERROR(dir->Recover(clean));
  return dir;
}

absl::Status LogDirImpl::Recover(bool clean) {
  stats_.clean_start = clean;
  ASSIGN_OR_RETURN(const std::vector<FoundDirectory> found,
                   FindLogs(environment_.disk, options_.path,
                            [this](std::string path) { RemoveInBackground(std::move(path)); }));
  RETURN_IF_ERROR(CheckCount(found.size()));
  ASSIGN_OR_RETURN(const LastJournal last, ReadLastJournal(JournalParts(), clean));
  for (size_t begin = 0; begin < found.size(); begin += kOpenedTogether) {
    const size_t count = std::min(kOpenedTogether, found.size() - begin);
    RETURN_IF_ERROR(OpenLogs(std::span(found).subspan(begin, count), last));
  }
  RETURN_IF_ERROR(BeginJournal(last));
  RETURN_IF_ERROR(MarkUnclean(clean));
  if (options_.maintenance_interval_ms > 0) {
    timer_ = std::thread([this] { RunTimer(); });
    cleaner_.Start();
  }
  return absl::OkStatus();
}

// Else one of them, or a connection, would meet the limit at some time.
absl::Status LogDirImpl::CheckCount(size_t logs) const {
  if (static_cast<int64_t>(logs) <= options_.logs_max) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "log dir ", options_.path, " holds ", logs, " partitions, each of which keeps a file open, and ",
      "the limit of open files has room for ", std::max<int64_t>(0, options_.logs_max),
      " of them; start the broker with a higher one (ulimit -n)"));
}

// First all are walked, which takes the CPU, then all are synced, which takes the disk.
absl::Status LogDirImpl::OpenLogs(std::span<const FoundDirectory> found, const LastJournal& last) {
  absl::Mutex mu;
  absl::Status error;
  std::vector<std::shared_ptr<PartitionLog>> logs;
  const auto note = [&](const absl::Status& status) {
    absl::MutexLock lock(&mu);
    error.Update(status);
  };
  SideBySide(options_.recovery_threads, found.size(), [&](size_t i) {
    absl::StatusOr<std::shared_ptr<PartitionLog>> log = OpenFound(found[i], last);
    note(log.status());
    if (!log.ok() || *log == nullptr) {
      return;
    }
    if ((*log)->unsynced_segments() > kFilesHeldMax) {
      note((*log)->FinishOpening());
      return;
    }
    absl::MutexLock lock(&mu);
    logs.push_back(*std::move(log));
  });
  RETURN_IF_ERROR(health());
  RETURN_IF_ERROR(error);
  for (const std::shared_ptr<PartitionLog>& log : logs) {
    log->StartFlush();
  }
  SideBySide(kSyncedAtOnce, logs.size(), [&](size_t i) { note(logs[i]->FinishOpening()); });
  RETURN_IF_ERROR(health());
  return error;
}

// Null when its files cannot be read; the others' can.
absl::StatusOr<std::shared_ptr<PartitionLog>> LogDirImpl::OpenFound(const FoundDirectory& found,
                                                                    const LastJournal& last) {
  absl::StatusOr<std::shared_ptr<PartitionLog>> log =
      OpenLog(context_, found.path, found.name.id, StartOf(found.name.id, last));
  if (absl::IsDataLoss(log.status())) {
    PutOffline(found.name, found.path, log.status());
    return nullptr;
  }
  RETURN_IF_ERROR(log.status());
  absl::MutexLock lock(&logs_mu_);
  stats_.recovered_bytes += (*log)->recovered_bytes();
  if (!(*log)->recovered_loss().empty()) {
    stats_.losses.push_back((*log)->recovered_loss());
  }
  logs_[found.name.id] = {found.name, *log};
  return log;
}

StartAfter LogDirImpl::StartOf(const LogId& id, const LastJournal& last) const {
  static const std::vector<FoundEntry> kNoEntries;
  StartAfter after{
      .clean = stats_.clean_start, .journal = nullptr, .index_is_current = last.index_is_current};
  if (last.kept) {
    const auto entries = last.scan.logs.find(id);
    after.journal = entries == last.scan.logs.end() ? &kNoEntries : &entries->second;
  }
  return after;
}

absl::Status LogDirImpl::BeginJournal(const LastJournal& last) {
  ASSIGN_OR_RETURN(std::unique_ptr<JournalRing> ring, storage::BeginJournal(JournalParts(), last));
  if (ring != nullptr) {
    static_cast<JournalScheduler&>(*syncs_).Begin(std::move(ring));
  }
  return absl::OkStatus();
}

void LogDirImpl::PutOffline(const LogName& name, const std::string& directory, absl::Status reason) {
  absl::MutexLock lock(&logs_mu_);
  damaged_[name.id] = {name, std::make_shared<OfflineLog>(name.id, directory, std::move(reason))};
}

// Only once recovery succeeded: an attempt that failed changes nothing for the next one.
absl::Status LogDirImpl::MarkUnclean(bool clean) {
  if (!clean) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(environment_.disk.Unlink(PathOf(kCleanMarker)));
  return environment_.disk.SyncDirectory(options_.path);
}

}  // namespace sluice::storage
