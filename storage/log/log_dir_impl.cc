#include "storage/log/log_dir_impl.h"

#include <atomic>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "proto/base/random.h"
#include "proto/base/status_macros.h"
#include "storage/log/open_log.h"

namespace sluice::storage {
namespace {

constexpr absl::string_view kCleanMarker = "clean-shutdown";
constexpr absl::string_view kDeletedLogSuffix = "-delete";
constexpr absl::string_view kPartitionMetadata = "partition.metadata";
// limits.md, C2: going from 1 to 2 files at a time gains 60 %, the next 6 gain as much together.
constexpr int kFlusherThreads = 2;

std::string DirectoryName(const LogName& name) {
  return absl::StrCat(name.topic, "-", name.id.partition.value());
}

// "orders-eu-0" is partition 0 of "orders-eu". Empty for what is no log's directory.
std::optional<std::pair<std::string, PartitionId>> ParseDirectoryName(absl::string_view name) {
  const size_t dash = name.rfind('-');
  int32_t partition;
  if (dash == absl::string_view::npos || dash == 0 || !absl::SimpleAtoi(name.substr(dash + 1), &partition) ||
      partition < 0) {
    return std::nullopt;
  }
  return std::pair(std::string(name.substr(0, dash)), PartitionId(partition));
}

std::unique_ptr<SyncScheduler> MakeScheduler(const LogDirOptions& options, OffsetIndex& index,
                                             SyncFailure& failure) {
  if (!options.journal.enabled) {
    return std::make_unique<Flusher>(kFlusherThreads);
  }
  return std::make_unique<JournalScheduler>(
      JournalScheduler::Options{.direct_bytes = static_cast<uint64_t>(options.journal.direct_bytes),
                                .flusher_threads = kFlusherThreads},
      index, failure);
}

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
  const bool clean = disk.Exists(absl::StrCat(options.path, "/", kCleanMarker));
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

LogDirImpl::LogDirImpl(const LogDirOptions& options, LogEnvironment environment, FileLock lock,
                       const MetaProperties& properties, std::unique_ptr<OffsetIndex> index)
    : options_(options),
      environment_(std::move(environment)),
      lock_(std::move(lock)),
      properties_(properties),
      index_(std::move(index)),
      failure_([this](absl::Status status) { OnSyncFailed(std::move(status)); }),
      syncs_(MakeScheduler(options, *index_, failure_)),
      context_{.disk = environment_.disk,
               .clock = environment_.clock,
               .pool = environment_.pool,
               .index = *index_,
               .syncs = *syncs_,
               .failure = failure_,
               .limits = {.checkpoint_interval_bytes = options.checkpoint_interval_bytes,
                          .idle_unmap_ms = options.idle_unmap_ms,
                          .producer_id_expiration_ms = options.producer_id_expiration_ms}},
      scrubber_(std::make_shared<Scrubber>(
          ScrubRules{.bytes_per_second = options.scrub_bytes_per_second,
                     .interval = absl::Milliseconds(options.scrub_interval_ms)},
          environment_.disk, environment_.clock, [this] { return ScrubTargets(); },
          [this](absl::string_view damage) {
            if (environment_.on_damage) {
              environment_.on_damage(damage);
            }
          })),
      cleaner_(options.cleaner, environment_.clock,
               {.logs = [this] { return AllLogs(); },
                .on_warning =
                    [this](const std::string& warning) {
                      if (environment_.on_warning) {
                        environment_.on_warning(warning);
                      }
                    }}) {}

LogDirImpl::~LogDirImpl() {
  StopTimer();
  scrubber_->Stop();
  cleaner_.Stop();
  syncs_->Stop();
  for (const Entry& entry : AllEntries()) {
    entry.log->Abandon();
  }
}

std::string LogDirImpl::PathOf(absl::string_view name) const {
  return absl::StrCat(options_.path, "/", name);
}

absl::Status LogDirImpl::Recover(bool clean) {
  stats_.clean_start = clean;
  ASSIGN_OR_RETURN(const auto found, ListLogs());
  ASSIGN_OR_RETURN(const LastJournal last, ReadLastJournal(JournalParts(), clean));
  static const std::vector<FoundEntry> kNoEntries;
  std::atomic<size_t> next{0};
  absl::Mutex mu;
  absl::Status first_error;
  std::vector<std::thread> threads;
  const auto journal_of = [&](const LogId& id) {
    const auto entries = last.scan.logs.find(id);
    return StartAfter{.clean = clean,
                      .journal = !last.kept                        ? nullptr
                                 : entries == last.scan.logs.end() ? &kNoEntries
                                                                   : &entries->second,
                      .index_is_current = last.index_is_current};
  };
  const auto recover = [&] {
    for (size_t i = next++; i < found.size(); i = next++) {
      absl::StatusOr<std::shared_ptr<PartitionLog>> log =
          OpenLog(context_, found[i].second, found[i].first.id, journal_of(found[i].first.id));
      absl::MutexLock lock(&mu);
      if (absl::IsDataLoss(log.status())) {  // Its files cannot be read; the others' can.
        PutOffline(found[i].first, found[i].second, log.status());
        continue;
      }
      if (!log.ok()) {
        first_error.Update(log.status());
        continue;
      }
      stats_.recovered_bytes += (*log)->recovered_bytes();
      if (!(*log)->recovered_loss().empty()) {
        stats_.losses.push_back((*log)->recovered_loss());
      }
      absl::MutexLock logs(&logs_mu_);
      logs_[found[i].first.id] = {found[i].first, *std::move(log)};
    }
  };
  for (int i = 0; i < std::max(1, options_.recovery_threads); ++i) {
    threads.emplace_back(recover);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  RETURN_IF_ERROR(health());
  RETURN_IF_ERROR(first_error);
  RETURN_IF_ERROR(BeginJournal(last));
  RETURN_IF_ERROR(MarkUnclean(clean));
  if (options_.maintenance_interval_ms > 0) {
    timer_ = std::thread([this] { RunTimer(); });
    cleaner_.Start();
  }
  return absl::OkStatus();
}

LogDirJournal LogDirImpl::JournalParts() {
  return {.disk = environment_.disk,
          .index = *index_,
          .options = options_,
          .directory_id = properties_.directory_id};
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

// Whoever waits for one of the logs hears of it from the pool: the caller may hold a log's locks.
void LogDirImpl::OnSyncFailed(absl::Status status) {
  if (environment_.on_fatal) {
    environment_.on_fatal(std::move(status));
  }
  for (const Entry& entry : AllEntries()) {
    entry.log->TellOffline();
  }
}

absl::Status LogDirImpl::health() const {
  if (!failure_.raised()) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat("log dir ", options_.path,
                   " is offline, because a sync failed and what is in memory may not be on the ",
                   "disk: ", failure_.status().message(), ". Check the disk, then start the broker again"));
}

// Only once recovery succeeded: an attempt that failed changes nothing for the next one.
absl::Status LogDirImpl::MarkUnclean(bool clean) {
  if (!clean) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(environment_.disk.Unlink(PathOf(kCleanMarker)));
  return environment_.disk.SyncDirectory(options_.path);
}

absl::Status LogDirImpl::MarkClean() {
  return environment_.disk.ReplaceFile(PathOf(kCleanMarker), "version=1\n");
}

absl::StatusOr<std::vector<std::pair<LogName, std::string>>> LogDirImpl::ListLogs() {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, environment_.disk.List(options_.path));
  std::vector<std::pair<LogName, std::string>> found;
  for (const std::string& name : names) {
    if (absl::EndsWith(name, kDeletedLogSuffix)) {
      RemoveInBackground(PathOf(name));
      continue;
    }
    ASSIGN_OR_RETURN(const std::optional<LogName> log, ReadName(name));
    if (log) {
      found.emplace_back(*log, PathOf(name));
    }
  }
  return found;
}

// A directory without a whole partition.metadata is one whose making was cut short, if it holds nothing; else
// it is not ours to judge.
absl::StatusOr<std::optional<LogName>> LogDirImpl::ReadName(const std::string& directory_name) {
  const auto parsed = ParseDirectoryName(directory_name);
  const std::string directory = PathOf(directory_name);
  if (!parsed) {
    return std::nullopt;
  }
  const std::string path = absl::StrCat(directory, "/", kPartitionMetadata);
  absl::StatusOr<Uuid> topic_id = absl::NotFoundError("missing");
  if (environment_.disk.Exists(path)) {
    ASSIGN_OR_RETURN(const std::string text, environment_.disk.ReadFile(path));
    topic_id = DecodePartitionMetadata(text, path);
  }
  if (absl::IsFailedPrecondition(topic_id.status())) {
    return topic_id.status();  // A newer version's.
  }
  if (topic_id.ok()) {
    return LogName{parsed->first, {*topic_id, parsed->second}};
  }
  const absl::StatusOr<bool> has_records = HoldsRecords(directory);
  if (!has_records.ok()) {
    return std::nullopt;  // No directory.
  }
  if (*has_records) {
    return absl::DataLossError(absl::StrCat(path, ": ", topic_id.status().message(),
                                            ", and the directory holds records; restore the file or move the "
                                            "directory away"));
  }
  RemoveInBackground(directory);
  return std::nullopt;
}

absl::StatusOr<bool> LogDirImpl::HoldsRecords(const std::string& directory) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, environment_.disk.List(directory));
  for (const std::string& name : names) {
    if (absl::EndsWith(name, ".log") &&
        environment_.disk.FileSize(absl::StrCat(directory, "/", name)).value_or(1) > 0) {
      return true;
    }
  }
  return false;
}

// The task owns nothing of this object's: it may run after it is gone.
void LogDirImpl::RemoveInBackground(std::string path) {
  environment_.pool.Post([&disk = environment_.disk, path = std::move(path)] {
    disk.RemoveTree(path).IgnoreError();  // What stays is removed at the next start.
  });
}

std::vector<LogDirImpl::Entry> LogDirImpl::AllEntries() const {
  absl::MutexLock lock(&logs_mu_);
  std::vector<Entry> entries;
  entries.reserve(logs_.size());
  for (const auto& [id, entry] : logs_) {
    entries.push_back(entry);
  }
  return entries;
}

std::vector<std::shared_ptr<PartitionLog>> LogDirImpl::AllLogs() const {
  std::vector<std::shared_ptr<PartitionLog>> logs;
  absl::MutexLock lock(&logs_mu_);
  logs.reserve(logs_.size());
  for (const auto& [id, entry] : logs_) {
    logs.push_back(entry.log);
  }
  return logs;
}

std::vector<LogDir::FoundLog> LogDirImpl::logs() const {
  std::vector<FoundLog> found;
  for (const Entry& entry : AllEntries()) {
    found.push_back({entry.name, entry.log.get()});
  }
  absl::MutexLock lock(&logs_mu_);
  for (const auto& [id, entry] : damaged_) {
    found.push_back({entry.name, entry.log.get()});
  }
  return found;
}

std::vector<LogDir::DamagedLog> LogDirImpl::damaged() const {
  absl::MutexLock lock(&logs_mu_);
  std::vector<DamagedLog> found;
  for (const auto& [id, entry] : damaged_) {
    found.push_back({entry.name, entry.log->directory(), entry.log->health()});
  }
  return found;
}

Log* LogDirImpl::Find(const LogId& id) const {
  return Share(id).get();
}

std::shared_ptr<Log> LogDirImpl::Share(const LogId& id) const {
  absl::MutexLock lock(&logs_mu_);
  if (const auto found = logs_.find(id); found != logs_.end()) {
    return found->second.log;
  }
  const auto damaged = damaged_.find(id);
  return damaged == damaged_.end() ? nullptr : damaged->second.log;
}

absl::Status LogDirImpl::CheckIsNew(const LogName& name) const {
  if (closed_) {
    return absl::FailedPreconditionError(absl::StrCat("log dir ", options_.path, " was closed"));
  }
  RETURN_IF_ERROR(health());
  if (Find(name.id) != nullptr || environment_.disk.Exists(PathOf(DirectoryName(name)))) {
    return absl::AlreadyExistsError(
        absl::StrCat("log dir ", options_.path, ": there is a log ", DirectoryName(name), " already"));
  }
  return absl::OkStatus();
}

// Everything is made before anything is synced: the first sync then carries it all, and the others find
// little left to do. A power cut in between leaves a directory that ReadName knows for one that was never
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
  const std::string path = PathOf(DirectoryName(name));
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
  const std::string path = PathOf(DirectoryName(name));
  const std::string deleted = absl::StrCat(path, ".", id.topic_id.ToString(), kDeletedLogSuffix);
  RETURN_IF_ERROR(environment_.disk.Rename(path, deleted));
  RETURN_IF_ERROR(environment_.disk.SyncDirectory(options_.path));
  index_->DropLog(id);
  RemoveInBackground(deleted);
  return absl::OkStatus();
}

void LogDirImpl::Tick() {
  if (failure_.raised()) {
    return;
  }
  for (const std::shared_ptr<PartitionLog>& log : AllLogs()) {
    log->Maintain();
  }
  if (scrubber_->IsDue()) {
    environment_.pool.Post([scrubber = scrubber_] { scrubber->Step(); });
  }
}

// By name, so that the order is one that a person expects.
std::vector<std::weak_ptr<ScrubTarget>> LogDirImpl::ScrubTargets() const {
  std::vector<Entry> entries = AllEntries();
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.name.topic, a.name.id) < std::pair(b.name.topic, b.name.id);
  });
  std::vector<std::weak_ptr<ScrubTarget>> targets;
  for (const Entry& entry : entries) {
    targets.push_back(std::shared_ptr<ScrubTarget>(entry.log));
  }
  return targets;
}

void LogDirImpl::RunTimer() {
  const absl::Duration interval = absl::Milliseconds(options_.maintenance_interval_ms);
  while (true) {
    {
      absl::MutexLock lock(&timer_mu_);
      if (timer_mu_.AwaitWithTimeout(absl::Condition(&stopping_), interval)) {
        return;
      }
    }
    Tick();
  }
}

void LogDirImpl::StopTimer() {
  {
    absl::MutexLock lock(&timer_mu_);
    stopping_ = true;
  }
  if (timer_.joinable()) {
    timer_.join();
  }
}

// Not marked clean unless every log is whole on the disk.
absl::Status LogDirImpl::Close() {
  absl::MutexLock create(&create_mu_);
  if (std::exchange(closed_, true)) {
    return absl::OkStatus();
  }
  StopTimer();
  scrubber_->Stop();
  cleaner_.Stop();
  if (failure_.raised()) {
    for (const Entry& entry : AllEntries()) {
      entry.log->Abandon();
    }
    return health();
  }
  absl::Status status;
  for (const Entry& entry : AllEntries()) {
    status.Update(entry.log->Close());
  }
  status.Update(index_->Flush());
  RETURN_IF_ERROR(status);
  // A damaged log was not closed: what a repair leaves of it must be walked, batch by batch.
  return damaged().empty() ? MarkClean() : absl::OkStatus();
}

LogDir::Stats LogDirImpl::stats() const {
  Stats stats = stats_;
  stats.scrub = scrubber_->stats();
  stats.cleaner = cleaner_.stats();
  absl::MutexLock lock(&logs_mu_);
  stats.logs = logs_.size() + damaged_.size();
  return stats;
}

}  // namespace sluice::storage
