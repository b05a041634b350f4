// How many connections there may be, in all and from one address. Thread-safe.
#pragma once

#include <asio/ip/address.hpp>
#include <cstdint>
#include <map>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace sluice::broker {

class ConnectionLimits {
 public:
  // One admitted connection, for as long as it lives. Must not outlive the limits.
  class Ticket {
   public:
    Ticket(ConnectionLimits& limits, asio::ip::address address) : limits_(&limits), address_(address) {}
    Ticket(Ticket&& other) noexcept
        : limits_(std::exchange(other.limits_, nullptr)), address_(other.address_) {}
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket() {
      if (limits_ != nullptr) {
        limits_->Leave(address_);
      }
    }

   private:
    ConnectionLimits* limits_;
    asio::ip::address address_;
  };

  ConnectionLimits(uint32_t total_max, uint32_t per_address_max)
      : total_max_(total_max), per_address_max_(per_address_max) {}

  // ResourceExhausted says which limit it was, and how to raise it.
  absl::StatusOr<Ticket> Admit(const asio::ip::address& address);
  // True once there are none; false when that took too long.
  bool AwaitNone(absl::Duration at_most);
  uint32_t total() const;

 private:
  void Leave(const asio::ip::address& address);

  const uint32_t total_max_;
  const uint32_t per_address_max_;
  mutable absl::Mutex mu_;
  uint32_t total_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<asio::ip::address, uint32_t> by_address_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sluice::broker
