#include "broker/net/connection_limits.h"

#include "absl/strings/str_cat.h"

namespace sluice::broker {

absl::StatusOr<ConnectionLimits::Ticket> ConnectionLimits::Admit(const asio::ip::address& address) {
  absl::MutexLock lock(&mu_);
  if (total_ >= total_max_) {
    return absl::ResourceExhaustedError(
        absl::StrCat("there are ", total_, " connections already; raise max.connections to allow more"));
  }
  uint32_t& from_address = by_address_[address];
  if (from_address >= per_address_max_) {
    return absl::ResourceExhaustedError(absl::StrCat("that address has ", from_address,
                                                     " connections already; raise max.connections.per.ip to "
                                                     "allow more"));
  }
  ++from_address;
  ++total_;
  return Ticket(*this, address);
}

void ConnectionLimits::Leave(const asio::ip::address& address) {
  absl::MutexLock lock(&mu_);
  --total_;
  if (auto it = by_address_.find(address); --it->second == 0) {
    by_address_.erase(it);
  }
}

bool ConnectionLimits::AwaitNone(absl::Duration at_most) {
  absl::MutexLock lock(&mu_);
  return mu_.AwaitWithTimeout(absl::Condition(
                                  +[](uint32_t* total) { return *total == 0; }, &total_),
                              at_most);
}

uint32_t ConnectionLimits::total() const {
  absl::MutexLock lock(&mu_);
  return total_;
}

}  // namespace sluice::broker
