// DIR/journal.properties: which journal the ring's files hold. Each start begins a new one, under an id of
// its own, once the segments hold all that the last one held; so what lies in the files from before is
// nothing any more at the instant when this file is replaced.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/base/uuid.h"
#include "storage/disk/disk.h"

namespace sluice::storage {

std::string JournalIdPath(const std::string& directory);

// Durable when it returns.
absl::Status WriteJournalId(Disk& disk, const std::string& directory, const Uuid& id);

// Nothing when there is no such file: no journal was begun. absl::FailedPrecondition: a newer version wrote
// it; absl::DataLoss: it makes no sense.
absl::StatusOr<std::optional<Uuid>> ReadJournalId(Disk& disk, const std::string& directory);

}  // namespace sluice::storage
