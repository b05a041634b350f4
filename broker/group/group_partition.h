// Which partition of __consumer_offsets a group belongs to.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

namespace sluice::broker {

inline constexpr char kOffsetsTopic[] = "__consumer_offsets";

// As Kafka computes it, so that its tools look where we write: Java's hash of the id, modulo `partitions`.
int32_t PartitionOfGroup(absl::string_view group_id, int32_t partitions);

}  // namespace sluice::broker
