// Which leases run, until when, and which keys hang on them. Pure: takes the time, deletes nothing itself.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sluice::storage {

// Thread-compatible. Times are Clock::Monotonic().
class LeaseTable {
 public:
  // Leases are numbered from 1.
  int64_t Grant(absl::Duration time_to_live, absl::Duration now);
  // False: there is no such lease, or its time is over.
  bool Renew(int64_t lease, absl::Duration now);
  bool IsLive(int64_t lease, absl::Duration now) const;
  bool Has(int64_t lease) const { return leases_.contains(lease); }

  // The key hangs on this lease and no other; 0: on none.
  void Attach(const std::string& key, int64_t lease);
  std::vector<std::string> KeysOf(int64_t lease) const;
  std::vector<int64_t> Expired(absl::Duration now) const;
  void Remove(int64_t lease);

 private:
  struct Lease {
    absl::Duration time_to_live;
    absl::Duration deadline;
    absl::btree_set<std::string> keys = {};
  };

  int64_t last_lease_ = 0;
  absl::flat_hash_map<int64_t, Lease> leases_;
  absl::flat_hash_map<std::string, int64_t> lease_of_key_;
};

}  // namespace sluice::storage
