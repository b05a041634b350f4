// Gives out producer ids, each of them once and for all, over restarts too: blocks are reserved durably
// (`/producer-ids/next`) and given out from memory. What is left of a block at a crash is lost, which is
// fine.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "proto/base/ids.h"
#include "storage/meta/metadata_store.h"

namespace sluice::broker {

// Thread-safe. The store must outlive it.
class ProducerIdAllocator {
 public:
  static constexpr int64_t kBlockSize = 1000;

  explicit ProducerIdAllocator(storage::MetadataStore& store) : store_(store) {}

  // Never blocks; empty when a new block is needed: then Next() where it may block.
  std::optional<ProducerId> TryNext();
  absl::StatusOr<ProducerId> Next();

 private:
  absl::StatusOr<int64_t> ReserveBlock();

  storage::MetadataStore& store_;
  absl::Mutex reserve_mu_;  // Held while a block is reserved, so that one caller does it for all.
  absl::Mutex mu_ ABSL_ACQUIRED_AFTER(reserve_mu_);
  int64_t next_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t end_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace sluice::broker
