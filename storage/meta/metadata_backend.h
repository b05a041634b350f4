// Where LocalMetadataStore keeps its keys. It adds revisions, conditions, leases and watches on top, so that
// a backend has little to get wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/meta/metadata_store.h"

namespace sluice::storage {

// Reads may come from any thread at any time; Apply from one at a time.
class MetadataBackend {
 public:
  virtual ~MetadataBackend() = default;

  // Of the last Apply, also of an earlier run. Called once, at the start.
  virtual absl::StatusOr<int64_t> ReadRevision() = 0;
  virtual absl::StatusOr<std::optional<MetadataValue>> Get(absl::string_view key) = 0;
  virtual absl::StatusOr<std::vector<MetadataValue>> Range(absl::string_view prefix) = 0;
  // Keys that were written under a lease and are still there. Called once, at the start.
  virtual absl::StatusOr<std::vector<std::string>> LeasedKeys() = 0;

  // All or nothing, durable when it returns, not seen by readers before. absl::ResourceExhausted: nothing was
  // written. Any other error: unknown.
  virtual absl::Status Apply(int64_t revision, const std::vector<MetadataTransaction::Write>& writes) = 0;
};

}  // namespace sluice::storage
