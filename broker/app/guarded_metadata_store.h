// A MetadataStore that writes only while its disk can be believed: after a sync of the log dir that it lies
// in has failed, a commit that seems to succeed may be lost. What it read before it still tells.
#pragma once

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "storage/meta/metadata_store.h"

namespace sluice::broker {

// Thread-safe as `store` is. `health` is asked before each write, from any thread.
std::unique_ptr<storage::MetadataStore> GuardMetadataStore(std::unique_ptr<storage::MetadataStore> store,
                                                           absl::AnyInvocable<absl::Status() const> health);

}  // namespace sluice::broker
