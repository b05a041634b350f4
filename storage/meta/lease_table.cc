#include "storage/meta/lease_table.h"

#include "proto/base/check.h"

namespace sluice::storage {

int64_t LeaseTable::Grant(absl::Duration time_to_live, absl::Duration now) {
  const int64_t lease = ++last_lease_;
  leases_.emplace(lease, Lease{.time_to_live = time_to_live, .deadline = now + time_to_live});
  return lease;
}

bool LeaseTable::Renew(int64_t lease, absl::Duration now) {
  if (!IsLive(lease, now)) {
    return false;
  }
  Lease& found = leases_.at(lease);
  found.deadline = now + found.time_to_live;
  return true;
}

bool LeaseTable::IsLive(int64_t lease, absl::Duration now) const {
  const auto found = leases_.find(lease);
  return found != leases_.end() && now < found->second.deadline;
}

void LeaseTable::Attach(const std::string& key, int64_t lease) {
  if (const auto held = lease_of_key_.find(key); held != lease_of_key_.end()) {
    leases_.at(held->second).keys.erase(key);
    lease_of_key_.erase(held);
  }
  if (lease != 0) {
    CHECK(leases_.contains(lease));
    leases_.at(lease).keys.insert(key);
    lease_of_key_[key] = lease;
  }
}

std::vector<std::string> LeaseTable::KeysOf(int64_t lease) const {
  const auto found = leases_.find(lease);
  if (found == leases_.end()) {
    return {};
  }
  return {found->second.keys.begin(), found->second.keys.end()};
}

std::vector<int64_t> LeaseTable::Expired(absl::Duration now) const {
  std::vector<int64_t> expired;
  for (const auto& [lease, state] : leases_) {
    if (now >= state.deadline) {
      expired.push_back(lease);
    }
  }
  return expired;
}

void LeaseTable::Remove(int64_t lease) {
  for (const std::string& key : KeysOf(lease)) {
    lease_of_key_.erase(key);
  }
  leases_.erase(lease);
}

}  // namespace sluice::storage
