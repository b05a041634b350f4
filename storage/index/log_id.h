// Names one partition's log for good: topic ids are never used twice, so neither is a LogId.
#pragma once

#include <compare>
#include <utility>

#include "proto/base/ids.h"
#include "proto/base/uuid.h"

namespace sluice::storage {

struct LogId {
  Uuid topic_id;
  PartitionId partition;

  friend auto operator<=>(const LogId&, const LogId&) = default;
  template <class H>
  friend H AbslHashValue(H state, const LogId& id) {
    return H::combine(std::move(state), id.topic_id, id.partition);
  }
};

}  // namespace sluice::storage
