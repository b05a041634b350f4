// What a stopped node left on the disk: finds the partitions below a path, and holds the log dir's lock while
// a tool works on them.
//
//   ASSIGN_OR_RETURN(LogFiles files, LogFiles::Open(disk, "/var/lib/sluice", LogFiles::For::kReading));
//   for (const PartitionFiles& partition : files.partitions()) ...
//
// Thread-compatible. Reads names and small files only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/base/ids.h"
#include "storage/disk/disk.h"
#include "storage/index/log_id.h"
#include "storage/log/file_lock.h"

namespace sluice::storage {

// Made by a start that refused the partition; while it stands, the partition is not served.
inline constexpr absl::string_view kDamagedMarkName = "damaged";
inline constexpr absl::string_view kOriginalSuffix = ".damaged";   // A segment as it was before its repair.
inline constexpr absl::string_view kRepairedSuffix = ".repaired";  // A repaired copy, not yet in place.

struct PartitionFiles {
  std::string name;  // "orders-0"
  std::string directory;
  std::optional<LogId> id;    // From partition.metadata; empty for a directory without one.
  std::vector<Offset> bases;  // Of its segments, ascending.
  bool marked_damaged = false;
  Offset gaps_below{0};  // Up to here compaction may have taken records out.
  // Whose repair stopped between its two renames: <base>.log.repaired is there, and no <base>.log.
  std::vector<std::string> interrupted;

  std::string PathOf(absl::string_view file) const;
  std::string SegmentPath(Offset base) const;
};

class LogFiles {
 public:
  enum class For {
    kReading,     // No broker may run; other readers may.
    kChanging,    // Nobody else.
    kLiveReading  // No lock: a broker may run, and write meanwhile.
  };
  // `path` is a log dir, a partition's directory or a segment file. Errors: absl::NotFound: it is none of
  // these; absl::FailedPrecondition: a broker holds the log dir, or it is of a newer format.
  static absl::StatusOr<LogFiles> Open(Disk& disk, const std::string& path, For purpose);

  // By name.
  const std::vector<PartitionFiles>& partitions() const { return partitions_; }
  // Set when `path` named one segment file: only that one is meant.
  std::optional<Offset> only_segment() const { return only_segment_; }
  // Empty when the partition's directory stands alone.
  const std::string& log_dir() const { return log_dir_; }
  std::string index_path() const { return log_dir_.empty() ? "" : log_dir_ + "/index"; }
  // The last broker stopped in order.
  bool clean() const { return clean_; }
  // Its journal, or where that is not to be found, may hold records that the segments lack: the next start
  // puts them there. absl::FailedPrecondition says so to whoever would change segments or their index.
  absl::Status CheckJournalIsBehind(Disk& disk) const;

 private:
  absl::Status TakeLogDir(Disk& disk, const std::string& path, For purpose);
  absl::Status AddPartition(Disk& disk, const std::string& directory);

  std::vector<PartitionFiles> partitions_;
  std::optional<Offset> only_segment_;
  std::string log_dir_;
  bool clean_ = false;
  std::optional<FileLock> lock_;
};

}  // namespace sluice::storage
