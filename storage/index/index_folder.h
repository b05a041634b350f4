// Opens the index's database, or begins a new one where the old cannot be used: the index is derived, so a
// damaged one is never worth repairing, and never a reason not to start.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "rocksdb/db.h"
#include "rocksdb/options.h"

namespace sluice::storage {

struct OpenedIndex {
  std::unique_ptr<rocksdb::DB> db;
  bool is_new = false;  // It holds nothing yet.
};

// A database that is damaged, marked as such, or of another format is renamed to `path`.broken.N (the one set
// aside before it, if any, is deleted) and a new one begun. One that is in use, or cannot be read for a
// reason that may pass (no space, no permission), is an error and stays where it is.
absl::StatusOr<OpenedIndex> OpenIndexFolder(const std::string& path, const rocksdb::Options& options);

// A read met damage: the next OpenIndexFolder sets the database aside.
void MarkIndexDamaged(const std::string& path);

}  // namespace sluice::storage
