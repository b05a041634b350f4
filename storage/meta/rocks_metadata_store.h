// The metadata store of a broker that stands alone: a small RocksDB in which every commit is synced before it
// is answered. Layout: docs/formats/metadata-store.md.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "storage/meta/local_metadata_store.h"

namespace sluice::storage {

// Opens or creates the database at `path`. It is the truth, so nothing is repaired or thrown away. Errors:
// FailedPrecondition: in use by another process, or of a newer format; DataLoss: damaged; ResourceExhausted:
// the disk is full.
absl::StatusOr<std::unique_ptr<LocalMetadataStore>> OpenRocksMetadataStore(
    const std::string& path, const LocalMetadataOptions& options = {});

}  // namespace sluice::storage
