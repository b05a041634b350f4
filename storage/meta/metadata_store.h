// Small durable facts: topics, configs, ids, later ACLs and credentials. The embedded store is a synced
// RocksDB; an external one (etcd) is to stand behind the same interface when several brokers form a cluster,
// so the operations are the ones that both can do: get, range, compare-and-set transaction, watch, lease.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sluice::storage {

struct MetadataValue {
  std::string key;
  std::string value;
  int64_t revision = 0;  // Of the transaction that last wrote the key; revisions only grow.
};

// All conditions hold, or nothing is written. A key may stand in one write only. Keys and values together are
// at most 1 MiB: what etcd takes.
struct MetadataTransaction {
  struct Condition {
    std::string key;
    int64_t revision = 0;  // The key's revision must be this; 0: the key must not exist.
  };
  struct Write {
    std::string key;
    std::optional<std::string> value = {};  // nullopt deletes; deleting what is not there is fine.
    int64_t lease = 0;                      // The key vanishes with this lease; 0: stays.
  };
  std::vector<Condition> conditions = {};
  std::vector<Write> writes = {};
};

// Thread-safe. Everything but Watch may block on the disk or the network.
class MetadataStore {
 public:
  virtual ~MetadataStore() = default;

  virtual absl::StatusOr<std::optional<MetadataValue>> Get(absl::string_view key) = 0;
  // All keys that start with `prefix`, in order.
  virtual absl::StatusOr<std::vector<MetadataValue>> Range(absl::string_view prefix) = 0;
  // Returns the new revision once it is durable; without writes, the revision as it is. Errors:
  //   FailedPrecondition  a condition does not hold: nothing was written
  //   InvalidArgument     an empty key, one written twice, too large
  //   NotFound            a lease has ended
  //   ResourceExhausted   the disk is full: nothing was written, later commits may succeed
  //   any other           the outcome is unknown until the store is opened again
  virtual absl::StatusOr<int64_t> Commit(const MetadataTransaction& transaction) = 0;

  struct Event {
    MetadataValue value;  // Its value is empty and `deleted` true when the key is gone.
    bool deleted = false;
  };
  // Calls `listener` for every key under `prefix` that a commit after this call writes or deletes: in the
  // order of commits, soon after each, from a thread of the store, until the returned handle is destroyed
  // (which waits for a running call; from within the listener it does not). The listener may call the store.
  // Handles must be gone before the store is. To follow a prefix: Watch first, then Range, and ignore events
  // that are not newer than what Range gave.
  class WatchHandle {
   public:
    virtual ~WatchHandle() = default;
  };
  virtual std::unique_ptr<WatchHandle> Watch(absl::string_view prefix,
                                             absl::AnyInvocable<void(const Event&)> listener) = 0;

  // Keys written under a lease vanish when it is not renewed in time, or revoked, or its process ends.
  // NotFound: the lease has ended; a new one is needed.
  virtual absl::StatusOr<int64_t> GrantLease(absl::Duration time_to_live) = 0;
  virtual absl::Status RenewLease(int64_t lease) = 0;
  virtual absl::Status RevokeLease(int64_t lease) = 0;
};

}  // namespace sluice::storage
