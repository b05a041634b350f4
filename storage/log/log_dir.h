// One of the broker's log.dirs: a directory that holds the logs of partitions, their index and a lock.
//
//   DIR/meta.properties        version, cluster id, node id, directory id
//   DIR/.lock                  held (flock) by the broker that serves the directory
//   DIR/clean-shutdown         the last broker stopped in order; removed, durably, before the first append
//   DIR/index/                 RocksDB: offset_index.h
//   DIR/journal/               what is durable before it is in the segments: docs/formats/journal.md
//   DIR/orders-0/              one log: <20-digit base offset>.log files and partition.metadata (topic id)
//   DIR/orders-0.<id>-delete/  a deleted log, on its way out
//
// Open() recovers every log it finds, in parallel: from its checkpoint, or by a walk through the headers
// where there is none. A torn tail of an unclean stop is cut. Damage below the durable point takes that log
// offline (damaged()): it is there, and answers everything with an error that names file and byte.
//
// The first sync that fails takes the whole directory offline, for good: health(). Nothing that was not known
// to be on the disk before is acknowledged or served from then on.
#pragma once

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/base/clock.h"
#include "storage/disk/disk.h"
#include "storage/disk/executor.h"
#include "storage/index/offset_index.h"
#include "storage/log/cleaner_options.h"
#include "storage/log/log.h"
#include "storage/log/scrub_stats.h"

namespace sluice::storage {

struct LogDirOptions {
  std::string path;
  NodeId node_id{1};
  int64_t logs_max =
      std::numeric_limits<int64_t>::max();  // Each keeps a file open. With more, it is not opened.
  int recovery_threads = 2;
  int64_t checkpoint_interval_bytes =
      64ll << 20;  // Written log between two checkpoints: bounds recovery after a crash.
  int64_t maintenance_interval_ms = 1'000;  // Rolling by age, retention, flush.ms, giving back idle maps.
  int64_t idle_unmap_ms = 60'000;
  int64_t producer_id_expiration_ms = 86'400'000;
  uint64_t index_cache_bytes = 32ull << 20;

  // What synced logs wait for: one journal of all of them (docs/architecture.md).
  struct Journal {
    bool enabled = true;    // False: a sync of the segment itself, for each log.
    std::string directory;  // Empty: DIR/journal. Else a folder in this directory, named by the log dir's id.
    int64_t bytes = 256ll << 20;
    int64_t direct_bytes = 2 << 20;  // A log that appended so much meanwhile has its segment synced instead.
    // Logs whose segments are written behind it in one go: syncs that meet share a flush of the disk's cache,
    // and too many hold up those of appends.
    size_t flush_slice = 256;
  };
  Journal journal = {};
  uint64_t scrub_bytes_per_second = 8ull << 20;        // 0: sealed segments are not verified.
  int64_t scrub_interval_ms = 7LL * 24 * 3600 * 1000;  // From one beginning to the next.
  CleanerOptions cleaner = {};                         // Its threads run only where maintenance does.
};

using IndexWrapper =
    absl::AnyInvocable<std::unique_ptr<OffsetIndex>(std::unique_ptr<OffsetIndex> index) const>;

// What the storage engine is given from outside. All must outlive it.
struct LogEnvironment {
  Disk& disk;
  Clock& clock;
  Executor& pool;  // For allocation, population, rolling, indexing, retention, deletion.
  // A sync failed: the directory is offline from now on. Told once, from the thread that found out, which may
  // hold locks of a log: it must not block or call back.
  absl::AnyInvocable<void(absl::Status) const> on_fatal;
  // The scrubber found damage: file, byte, offset, in a sentence. The log goes on serving what is whole.
  absl::AnyInvocable<void(absl::string_view) const> on_damage = {};
  // Something went wrong that stops nothing else: a sentence to be logged. May be empty.
  absl::AnyInvocable<void(const std::string&) const> on_warning = {};
  // Stands before the index, whose I/O goes past `disk`: a test that must stop at an index write puts itself
  // there.
  IndexWrapper wrap_index = {};
};

struct LogName {
  std::string topic;
  LogId id;
};

class LogDir {
 public:
  struct FoundLog {
    LogName name;
    Log* log;
  };

  // Takes the lock, reads or writes meta.properties (a new directory gets `cluster_id`), recovers.
  // Errors: absl::FailedPrecondition: in use by another broker, another cluster's or node's, or of a newer
  // format; absl::PermissionDenied, absl::ResourceExhausted; absl::DataLoss: the disk, or a file that belongs
  // to no single log, is damaged.
  static absl::StatusOr<std::unique_ptr<LogDir>> Open(const LogDirOptions& options, const Uuid& cluster_id,
                                                      LogEnvironment environment);
  // Like a crash: nothing is synced or marked. Use Close(). The executor must still run what it was given, or
  // drop it; no call into a log may be under way.
  virtual ~LogDir() = default;

  // Damaged ones among them.
  virtual std::vector<FoundLog> logs() const = 0;
  // Logs that Open() found damaged and left as they are, each with the error that names file and byte.
  struct DamagedLog {
    LogName name;
    std::string directory;
    absl::Status status;
  };
  virtual std::vector<DamagedLog> damaged() const { return {}; }
  // OK until a sync failed; absl::FailedPrecondition with the reason from then on.
  virtual absl::Status health() const { return absl::OkStatus(); }
  virtual Log* Find(const LogId& id) const = 0;
  // Durable when it returns. The log lives until Delete or the LogDir's end: whoever shares it beyond that
  // gets kClosed. absl::AlreadyExists when there is one of that id or that topic and partition.
  virtual absl::StatusOr<std::shared_ptr<Log>> Create(const LogName& name, const LogOptions& options) = 0;
  virtual std::shared_ptr<Log> Share(const LogId& id) const = 0;
  // Closes the log, renames its directory away (durable when it returns) and unlinks it in the background;
  // ranges already handed out stay readable. Refused while the directory is offline.
  virtual absl::Status Delete(const LogId& id) = 0;

  // One round of maintenance. The dir's own thread calls it each maintenance_interval_ms (never, when that is
  // 0); tests call it themselves.
  virtual void Tick() = 0;
  // Compacts every log that is due, the dirtiest first, and returns how many it tried. The dir's cleaner
  // threads do so each log.cleaner.backoff.ms; tests call it themselves.
  virtual size_t CompactDue() = 0;

  // Syncs all logs, writes checkpoints, flushes the index, marks the directory clean. No append may follow.
  // An offline directory is left as it is, which is an error; one with damaged logs is not marked.
  virtual absl::Status Close() = 0;

  struct Stats {
    bool clean_start = false;      // The directory was marked clean when it was opened.
    uint64_t recovered_bytes = 0;  // Walked at the start.
    size_t logs = 0;
    ScrubStats scrub;
    CleanerStats cleaner = {};
    std::vector<std::string> losses;  // What was cut off page-cache logs: a sentence each, to be logged.
  };
  virtual Stats stats() const = 0;
  // Of the file system that the directory is on. Blocks.
  virtual absl::StatusOr<DiskSpace> Space() const {
    return absl::UnimplementedError("this log dir is on no file system");
  }
  virtual const std::string& path() const = 0;
  virtual const Uuid& cluster_id() const = 0;
  virtual const Uuid& directory_id() const = 0;
};

}  // namespace sluice::storage
