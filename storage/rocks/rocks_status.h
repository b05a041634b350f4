// RocksDB's errors in Abseil's terms, and the two questions that opening a database asks of them.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "rocksdb/slice.h"
#include "rocksdb/status.h"

namespace sluice::storage {

// `context` says what was being done against which database. OK stays OK.
absl::Status FromRocks(const rocksdb::Status& status, absl::string_view context);

// The database's files contradict themselves, are missing in part, or are of a kind that this RocksDB cannot
// read: opening it again will not help.
bool IsDamage(const rocksdb::Status& status);

// Another process, or this one, has the database open.
bool IsInUse(const rocksdb::Status& status);

inline rocksdb::Slice ToSlice(absl::string_view text) {
  return {text.data(), text.size()};
}
inline absl::string_view FromSlice(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

}  // namespace sluice::storage
