#include "broker/topic/log_shelf.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "proto/base/check.h"
#include "proto/base/status_macros.h"

namespace sluice::broker {

using storage::Log;
using storage::LogDir;
using storage::LogId;
using storage::LogName;

absl::StatusOr<LogShelf> LogShelf::Open(std::vector<LogDir*> dirs) {
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
  return shelf;
}

std::shared_ptr<Log> LogShelf::Find(const LogId& id) const {
  const auto place = places_.find(id);
  return place == places_.end() ? nullptr : place->second.dir->Share(id);
}

absl::StatusOr<std::shared_ptr<Log>> LogShelf::FindOrCreate(const LogName& name,
                                                            const storage::LogOptions& options) {
  if (std::shared_ptr<Log> found = Find(name.id)) {
    return found;
  }
  LogDir* dir = Emptiest();
  ASSIGN_OR_RETURN(std::shared_ptr<Log> log, dir->Create(name, options));
  places_.insert_or_assign(name.id, Place{dir, name.topic});
  ++counts_[dir];
  return log;
}

absl::Status LogShelf::Delete(const LogId& id) {
  const auto place = places_.find(id);
  if (place == places_.end()) {
    return absl::OkStatus();
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
  return *std::min_element(dirs_.begin(), dirs_.end(), [this](const LogDir* a, const LogDir* b) {
    return counts_.at(a) < counts_.at(b);
  });
}

}  // namespace sluice::broker
