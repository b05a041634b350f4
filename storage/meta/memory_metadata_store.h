// A metadata store without a disk, for tests: it passes the same contract test as the one in RocksDB.
#pragma once

#include <memory>

#include "storage/meta/local_metadata_store.h"

namespace sluice::storage {

// Forgets everything when destroyed.
std::unique_ptr<LocalMetadataStore> NewMemoryMetadataStore(const LocalMetadataOptions& options = {});

}  // namespace sluice::storage
