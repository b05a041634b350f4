// A producer's two halves, and the client's core that must outlive them.
#pragma once

#include <memory>

#include "client/internal/accumulator.h"
#include "client/internal/core.h"
#include "client/internal/sender.h"

namespace sluice::client_internal {

class ProducerCore {
 public:
  ProducerCore(std::shared_ptr<Core> core, const ProducerOptions& options);
  ~ProducerCore();  // Closes, if nobody did.

  absl::Status Close(absl::Duration timeout);

  Accumulator& accumulator() { return accumulator_; }
  Producer::Stats stats();
  absl::Duration close_timeout() const { return absl::FromChrono(options_.close_timeout); }

 private:
  const std::shared_ptr<Core> core_;  // Shared with the client and its other producers and consumers.
  const ProducerOptions options_;
  Accumulator accumulator_;
  Sender sender_;
  absl::Mutex close_mu_;  // Close runs once.
  bool closed_ ABSL_GUARDED_BY(close_mu_) = false;
  absl::Status close_status_ ABSL_GUARDED_BY(close_mu_);
};

}  // namespace sluice::client_internal
