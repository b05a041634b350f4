// Opens a log that a log dir found, and takes care that damage stays known and costs nothing that is still
// there: the mark in its directory (damage.h), and what the journal holds of it.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "storage/log/partition_log.h"

namespace sluice::storage {

// absl::DataLoss: it is damaged, or its files cannot be read: it alone is offline. Any other error is one of
// the directory, which must not be opened. Blocks.
absl::StatusOr<std::shared_ptr<PartitionLog>> OpenLog(const LogContext& context, const std::string& directory,
                                                      const LogId& id, const StartAfter& after);

}  // namespace sluice::storage
