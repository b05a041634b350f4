// The bytes that consumers of a classic group tell each other through JoinGroup and SyncGroup: what a member
// wants and has, and what it gets. The broker passes them on.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/base/bytes.h"
#include "sluice/group.h"
#include "sluice/options.h"

namespace sluice::client_internal {

struct Subscription {
  std::vector<std::string> topics;    // Ordered.
  std::vector<TopicPartition> owned;  // Ordered.
  int32_t generation = -1;            // In which it was given what it owns; -1: unknown.
};

// As JoinGroup and DescribeGroups name them.
const char* NameOf(Assignor assignor);
std::optional<Assignor> AssignorOf(absl::string_view name);

Bytes EncodeSubscription(const Subscription& subscription, Assignor assignor);
Bytes EncodeAssignment(const std::vector<TopicPartition>& partitions);

// DataLoss says what is wrong. Versions from the future are read as far as we know them.
absl::StatusOr<Subscription> DecodeSubscription(ByteView bytes);
// Ordered. No bytes at all: no partitions, as of a member that the leader left out.
absl::StatusOr<std::vector<TopicPartition>> DecodeAssignment(ByteView bytes);

}  // namespace sluice::client_internal
