// The streaming calls under way: bounded in number, and ended when the server shuts down, since they would
// otherwise go on for as long as their clients like.
#pragma once

#include <grpcpp/support/status.h>

#include <cstddef>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"

namespace sluice::broker {

class StoppableStream {
 public:
  virtual ~StoppableStream() = default;
  // Ends the call with `status`, soon. From any thread; does not block.
  virtual void Stop(const grpc::Status& status) = 0;
};

// Thread-safe.
class OpenStreams {
 public:
  explicit OpenStreams(size_t count_max) : count_max_(count_max) {}

  // OK, or why not.
  grpc::Status Admit(const std::shared_ptr<StoppableStream>& stream);
  void Leave(const StoppableStream* stream);

  // And admits none from now on.
  void StopAll();

 private:
  const size_t count_max_;
  absl::Mutex mu_;
  absl::flat_hash_map<const StoppableStream*, std::weak_ptr<StoppableStream>> streams_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace sluice::broker
