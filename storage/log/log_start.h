// DIR/<log>/log-start: the first offset that readers are shown, where records before it in its segment were
// deleted on demand. It is part of the truth, not of the index: without it the records would come back.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/base/ids.h"
#include "storage/disk/disk.h"

namespace sluice::storage {

// Durable when it returns.
absl::Status WriteLogStart(Disk& disk, const std::string& directory, Offset start);

// Nothing when there is no such file. absl::DataLoss when it makes no sense, absl::FailedPrecondition when a
// newer version wrote it.
absl::StatusOr<std::optional<Offset>> ReadLogStart(Disk& disk, const std::string& directory);

}  // namespace sluice::storage
