// What both databases ask of RocksDB: little memory, few threads and files, no chatter.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "rocksdb/options.h"

namespace sluice::storage {

// Creates a missing database; logs only warnings, to small files; two background threads; no statistics.
rocksdb::Options CommonRocksOptions();

// Makes `path` and the folders above it, and syncs the parent: RocksDB syncs only what is inside its folder.
absl::Status MakeDatabaseFolder(const std::string& path);

}  // namespace sluice::storage
