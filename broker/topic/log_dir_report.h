// What lies in each of the broker's log.dirs, for who looks after disks (DescribeLogDirs).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "broker/topic/catalog.h"
#include "storage/disk/disk.h"
#include "storage/log/log_dir.h"

namespace sluice::broker {

struct LogDirReport {
  struct Log {
    TopicPtr topic;  // Keeps the name.
    PartitionId partition;
    uint64_t size_bytes = 0;
  };
  std::string path;                              // Absolute.
  absl::Status health = {};                      // Why it is offline; nothing else is known of it then.
  std::optional<storage::DiskSpace> space = {};  // None: the file system did not tell.
  std::vector<Log> logs = {};                    // Of topics that exist; by topic and partition.
};

// In the order of `dirs`, then of those that could not be opened. `topics` are the catalog's. Blocks.
std::vector<LogDirReport> ReportLogDirs(const std::vector<storage::LogDir*>& dirs,
                                        const std::vector<OfflineDir>& unopened,
                                        const std::vector<TopicPtr>& topics);

}  // namespace sluice::broker
