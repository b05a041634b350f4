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

// All conditions hold, or nothing is written.
struct MetadataTransaction {
  struct Condition {
    std::string key;
    int64_t revision = 0;  // The key's revision must be this; 0: the key must not exist.
  };
  struct Write {
    std::string key;
    std::optional<std::string> value;  // nullopt deletes.
    int64_t lease = 0;                 // The key vanishes with this lease; 0: stays.
  };
  std::vector<Condition> conditions;
  std::vector<Write> writes;
};

// Thread-safe. Everything but Watch may block on the disk or the network.
class MetadataStore {
 public:
  virtual ~MetadataStore() = default;

  virtual absl::StatusOr<std::optional<MetadataValue>> Get(absl::string_view key) = 0;
  // All keys that start with `prefix`, in order.
  virtual absl::StatusOr<std::vector<MetadataValue>> Range(absl::string_view prefix) = 0;
  // Returns the new revision once it is durable. absl::FailedPrecondition when a condition does not hold.
  virtual absl::StatusOr<int64_t> Commit(const MetadataTransaction& transaction) = 0;

  struct Event {
    MetadataValue value;  // Its value is empty and `deleted` true when the key is gone.
    bool deleted = false;
  };
  // Calls `listener` after every commit that touches keys under `prefix`, in order, from some thread, until
  // the returned handle is destroyed (which waits for a running call).
  class WatchHandle {
   public:
    virtual ~WatchHandle() = default;
  };
  virtual std::unique_ptr<WatchHandle> Watch(absl::string_view prefix,
                                             absl::AnyInvocable<void(const Event&)> listener) = 0;

  // Keys written under a lease vanish when it is not renewed in time, or revoked.
  virtual absl::StatusOr<int64_t> GrantLease(absl::Duration time_to_live) = 0;
  virtual absl::Status RenewLease(int64_t lease) = 0;
  virtual absl::Status RevokeLease(int64_t lease) = 0;
};

}  // namespace sluice::storage
