// What goes into a group of the consumer protocol (KIP-848) and what comes out of it: values only.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "broker/group/core/consumer/consumer_record.h"
#include "broker/group/core/consumer/partitions.h"
#include "proto/kafka/error_code.h"

namespace sluice::broker {

// The member epochs that mean something else.
inline constexpr int32_t kJoinEpoch = 0;          // Joins, or comes back with nothing.
inline constexpr int32_t kLeaveEpoch = -1;        // Leaves for good.
inline constexpr int32_t kStaticLeaveEpoch = -2;  // A static member is away and keeps its place.

enum class ConsumerGroupState { kEmpty, kAssigning, kReconciling, kStable };

// As Kafka's tools print it.
absl::string_view ConsumerGroupStateName(ConsumerGroupState state);

// What single groups may have of their own.
struct ConsumerTimes {
  int32_t session_timeout_ms = 45'000;
  int32_t heartbeat_interval_ms = 5'000;
};

struct ConsumerLimits {
  int32_t session_timeout_ms = 45'000;
  int32_t heartbeat_interval_ms = 5'000;
  int32_t size_max = INT32_MAX;
  int64_t regex_refresh_ms = 600'000;
  std::vector<std::string> assignors = {"uniform", "range"};  // The first: for groups that do not choose.
  bool may_downgrade = true;                                  // To a classic group, and back:
  bool may_upgrade = true;                                    // group.consumer.migration.policy.
  int32_t classic_size_max = INT32_MAX;
};

// Deadlines are of the monotonic clock, what is written down of the wall clock.
struct GroupTime {
  int64_t monotonic_ms = 0;
  int64_t wall_ms = 0;
};

// What a member does not say stays as it was.
struct ConsumerHeartbeat {
  std::string member_id;  // Empty: new, and the group may give it `new_member_id`.
  int32_t epoch = kJoinEpoch;
  std::optional<std::string> instance_id = {};
  std::optional<std::string> rack_id = {};
  int32_t rebalance_timeout_ms = -1;
  std::optional<std::vector<std::string>> topics = {};
  std::optional<std::string> regex = {};
  std::optional<std::string> assignor = {};
  std::optional<PartitionList> owned = {};  // What it has, as it knows it.
  std::string client_id = {};
  std::string client_host = {};
  std::string new_member_id = {};
};

struct ConsumerHeartbeatAnswer {
  kafka::ErrorCode error = kafka::ErrorCode::kNone;
  std::string message = {};  // Of an error, for a person.
  std::string member_id = {};
  int32_t epoch = 0;
  int32_t heartbeat_interval_ms = 0;
  std::optional<PartitionList> assignment = {};  // Nothing: as it was.
};

// The last member of the consumer protocol is gone: the rest go on as a classic group.
struct Downgrade {
  std::set<std::string> without;  // Members that are not taken along.
  bool rebalance = true;
};

// What an event leads to besides its own answer.
struct ConsumerEffects {
  std::vector<ConsumerRecord> records;  // To be written, in this order, before anyone is answered.
  std::optional<Downgrade> downgrade;
};

}  // namespace sluice::broker
