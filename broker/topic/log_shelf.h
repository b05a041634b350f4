// The logs of all log dirs, found and made by their LogId, whichever directory holds them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/log/log_dir.h"

namespace sluice::broker {

// A log dir that could not be opened at the start. Logs that exist and are in no other are taken to be there.
struct OfflineDir {
  std::string path;
  std::string reason;
};

// One thread at a time: the catalog's change lock. Everything but Find blocks. The dirs must outlive it.
class LogShelf {
 public:
  // absl::FailedPrecondition when two directories hold the same log.
  static absl::StatusOr<LogShelf> Open(std::vector<storage::LogDir*> dirs,
                                       std::vector<OfflineDir> offline = {});

  // No log can be where we do not see it.
  bool complete() const { return offline_.empty(); }
  // `name` is in a directory that is offline: it is found from now on, as a log that refuses everything. Only
  // when not complete().
  void PresumeOffline(const storage::LogName& name);

  // Null when there is none.
  std::shared_ptr<storage::Log> Find(const storage::LogId& id) const;
  // In the directory with the fewest logs, of those that are online. A log that is there already is given as
  // it is.
  absl::StatusOr<std::shared_ptr<storage::Log>> FindOrCreate(const storage::LogName& name,
                                                             const storage::LogOptions& options);
  // OK when there is none. An error while it is, or may be, in a directory that is offline.
  absl::Status Delete(const storage::LogId& id);

  // "orders-3 in /data" of every log, by id.
  struct Entry {
    storage::LogName name;
    std::string directory;
  };
  std::vector<Entry> Entries() const;

 private:
  struct Place {
    storage::LogDir* dir;
    std::string topic;
  };

  // Null when all are offline.
  storage::LogDir* Emptiest() const;
  std::string OfflineText() const;

  std::vector<storage::LogDir*> dirs_;
  std::vector<OfflineDir> offline_;
  absl::flat_hash_map<storage::LogId, std::shared_ptr<storage::Log>> presumed_;  // Shared with partitions.
  absl::flat_hash_map<storage::LogId, Place> places_;
  absl::flat_hash_map<const storage::LogDir*, size_t> counts_;
};

}  // namespace sluice::broker
