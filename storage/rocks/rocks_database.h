// A RocksDB database that gets over a full disk.
//
// When RocksDB's write-ahead log meets a full disk, the file it was writing is lost to it: going on (by
// itself, or by DB::Resume) may append to that file again, which this version of RocksDB answers with an
// assertion that ends the process. So its own recovery is switched off for that case, and the database is
// closed and opened again by the first write that finds room. Until then reads go on and writes are refused.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "rocksdb/db.h"
#include "rocksdb/options.h"
#include "rocksdb/write_batch.h"

namespace sluice::storage {

// Adds to `options` what RocksDatabase relies on. CommonRocksOptions() has it.
void KeepLogErrorsFinal(rocksdb::Options& options);

// Thread-safe.
class RocksDatabase {
 public:
  // Must use CommonRocksOptions().
  using Opener = absl::AnyInvocable<absl::StatusOr<std::unique_ptr<rocksdb::DB>>()>;
  // Shared by the calls in progress: the database is closed when the last of them ends. Do not keep one, and
  // hold none while calling Use, Write or ReopenIfFull: they may wait for the last one to go.
  using Handle = std::shared_ptr<rocksdb::DB>;

  // Whether opening, which writes what the log holds to a table file, is worth trying: a database that was
  // closed and cannot be opened again serves no reads.
  using RoomCheck = absl::AnyInvocable<bool()>;

  // `db` is open already; `open_again` opens it after a full disk.
  RocksDatabase(std::string path, std::unique_ptr<rocksdb::DB> db, Opener open_again);
  RocksDatabase(std::string path, std::unique_ptr<rocksdb::DB> db, Opener open_again, RoomCheck has_room);
  ~RocksDatabase();

  // An error only when a database that was closed because of a full disk cannot be opened again.
  absl::StatusOr<Handle> Use();
  rocksdb::Status Write(const rocksdb::WriteOptions& options, rocksdb::WriteBatch* batch);
  // What Write does first: for a caller that wants to look before it writes. A write that met the full disk
  // may be there after it.
  rocksdb::Status ReopenIfFull();

 private:
  void Own(std::unique_ptr<rocksdb::DB> db) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void CloseAndWait() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  rocksdb::Status Reopen() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::string path_;
  absl::Mutex mu_;  // Not held during a read or write, but during a reopening, which waits for those.
  Opener open_again_ ABSL_GUARDED_BY(mu_);
  RoomCheck has_room_ ABSL_GUARDED_BY(mu_);
  Handle db_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<absl::Notification> closed_ ABSL_GUARDED_BY(mu_);  // Shared with db_'s deleter.
  bool met_full_disk_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace sluice::storage
