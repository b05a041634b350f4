#include "broker/topic/log_shelf.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/base/check.h"
#include "proto/base/status_macros.h"
#include "storage/log/offline_log.h"

namespace sluice::broker {

using storage::Log;
using storage::LogDir;
using storage::LogId;
using storage::LogName;

absl::StatusOr<LogShelf> LogShelf::Open(std::vector<LogDir*> dirs, std::vector<OfflineDir> offline) {
  CHECK(!dirs.empty());
  LogShelf shelf;
  for (LogDir* dir : dirs) {
    const std::vector<LogDir::FoundLog> found = dir->logs();
    shelf.counts_[dir] = found.size();
    for (const LogDir::FoundLog& entry : found) {
      const auto [place, is_new] = shelf.places_.try_emplace(entry.name.id, Place{dir, entry.name.topic});
      if (!is_new) {
        return absl::FailedPreconditionError(
            absl::StrCat("partition ", entry.name.id.partition.value(), " of topic ", entry.name.topic,
                         " is in two of log.dirs, ", entry.log->directory(), " and ",
                         place->second.dir->Find(entry.name.id)->directory(),
                         ": move the copy that is not wanted out of the way"));
      }
    }
  }
  shelf.dirs_ = std::move(dirs);
  shelf.offline_ = std::move(offline);
  return shelf;
}

std::shared_ptr<Log> LogShelf::Find(const LogId& id) const {
  if (const auto place = places_.find(id); place != places_.end()) {
    return place->second.dir->Share(id);
  }
  const auto presumed = presumed_.find(id);
  return presumed == presumed_.end() ? nullptr : presumed->second;
}

std::string LogShelf::OfflineText() const {
  return absl::StrJoin(offline_, ", ", [](std::string* out, const OfflineDir& dir) {
    absl::StrAppend(out, dir.path, " (", dir.reason, ")");
  });
}

void LogShelf::PresumeOffline(const LogName& name) {
  CHECK(!complete());
  const std::string log = absl::StrCat(name.topic, "-", name.id.partition.value());
  presumed_[name.id] = std::make_shared<storage::OfflineLog>(
      name.id, absl::StrCat(offline_.front().path, "/", log),
      absl::FailedPreconditionError(absl::StrCat(
          "log ", log, " is offline: it is in none of the log dirs that could be opened, so it is ",
          "taken to be in one that is offline: ", OfflineText(),
          ". Bring the disk back, then start the broker again")));
}

absl::StatusOr<std::shared_ptr<Log>> LogShelf::FindOrCreate(const LogName& name,
                                                            const storage::LogOptions& options) {
  if (std::shared_ptr<Log> found = Find(name.id)) {
    return found;
  }
  LogDir* dir = Emptiest();
  if (dir == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat("no log dir is online to make ", name.topic, "-",
                                                      name.id.partition.value(),
                                                      " in; check the disks, then start the broker again"));
  }
  ASSIGN_OR_RETURN(std::shared_ptr<Log> log, dir->Create(name, options));
  places_.insert_or_assign(name.id, Place{dir, name.topic});
  ++counts_[dir];
  return log;
}

absl::Status LogShelf::Delete(const LogId& id) {
  const auto place = places_.find(id);
  if (place == places_.end()) {
    return complete() ? absl::OkStatus()
                      : absl::FailedPreconditionError(
                            absl::StrCat("they may be in a log dir that is offline: ", OfflineText()));
  }
  LogDir* dir = place->second.dir;
  RETURN_IF_ERROR(dir->Delete(id));
  places_.erase(place);
  --counts_[dir];
  return absl::OkStatus();
}

std::vector<LogShelf::Entry> LogShelf::Entries() const {
  std::vector<Entry> entries;
  for (const auto& [id, place] : places_) {
    entries.push_back({.name = {place.topic, id}, .directory = place.dir->Find(id)->directory()});
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.name.id < b.name.id; });
  return entries;
}

LogDir* LogShelf::Emptiest() const {
  LogDir* emptiest = nullptr;
  for (LogDir* dir : dirs_) {
    if (dir->health().ok() && (emptiest == nullptr || counts_.at(dir) < counts_.at(emptiest))) {
      emptiest = dir;
    }
  }
  return emptiest;
}

}  // namespace sluice::broker
