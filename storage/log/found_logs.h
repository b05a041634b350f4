// Which directories of a log dir hold a log, and whose.
#pragma once

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/disk/disk.h"
#include "storage/log/log_dir.h"

namespace sluice::storage {

inline constexpr absl::string_view kPartitionMetadata = "partition.metadata";
inline constexpr absl::string_view kDeletedLogSuffix = "-delete";

// "orders-0".
std::string LogDirectoryName(const LogName& name);

struct FoundDirectory {
  LogName name;
  std::string path;
};

// `remove` is given the paths of logs that were deleted, and of those whose making was cut short. Blocks.
// absl::DataLoss: a directory with records does not say whose they are.
absl::StatusOr<std::vector<FoundDirectory>> FindLogs(Disk& disk, const std::string& log_dir,
                                                     absl::FunctionRef<void(std::string path)> remove);

}  // namespace sluice::storage
