// A change of a consumer group as it is written down. The state of a group is what its records make of it:
// the group itself changes by applying them (ConsumerGroup::Apply). A record without a value takes away.
// Bytes: docs/formats/consumer-offsets.md.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "broker/group/core/classic_types.h"
#include "broker/group/core/consumer/partitions.h"

namespace sluice::broker {

// Of a member that speaks the classic protocol to a consumer group.
struct ClassicSide {
  int32_t session_timeout_ms = 0;
  std::vector<GroupProtocol> protocols;  // As it joined with.
  friend bool operator==(const ClassicSide&, const ClassicSide&) = default;
};

// What a member said of itself.
struct MemberSubscription {
  std::optional<std::string> instance_id = {};
  std::optional<std::string> rack_id = {};
  std::string client_id = {};
  std::string client_host = {};
  std::vector<std::string> topics = {};  // By name; sorted, each once.
  std::string regex = {};                // Empty: none.
  int32_t rebalance_timeout_ms = -1;
  std::optional<std::string> assignor = {};
  std::optional<ClassicSide> classic = {};
  friend bool operator==(const MemberSubscription&, const MemberSubscription&) = default;
};

// The numbers are Kafka's, in the records.
enum class MemberState : int8_t {
  kStable = 0,
  kUnrevokedPartitions = 1,   // Has partitions that it must give up before it goes on.
  kUnreleasedPartitions = 2,  // Waits for partitions that others have not given up yet.
  kUnknown = 127,             // A later version's.
};

// What a member has and how far it has come.
struct MemberAssignment {
  int32_t epoch = 0;
  int32_t previous_epoch = 0;  // One that it may still believe in, when an answer was lost.
  MemberState state = MemberState::kStable;
  OwnedPartitions assigned = {};
  OwnedPartitions revoking = {};
  friend bool operator==(const MemberAssignment&, const MemberAssignment&) = default;
};

// The topics that a regular expression stood for.
struct ResolvedRegex {
  std::set<std::string> topics = {};
  int64_t topics_version = 0;
  int64_t resolved_ms = 0;  // Wall clock.
  friend bool operator==(const ResolvedRegex&, const ResolvedRegex&) = default;
};

struct GroupEpoch {
  int32_t epoch = 0;
  int64_t metadata_hash = 0;  // Of the topics that it is about: metadata_hash.h.
  int64_t created_ms = -1;
  friend bool operator==(const GroupEpoch&, const GroupEpoch&) = default;
};

struct TargetEpoch {
  int32_t epoch = 0;
  int64_t computed_ms = 0;
  friend bool operator==(const TargetEpoch&, const TargetEpoch&) = default;
};

struct GroupEpochRecord {
  std::optional<GroupEpoch> value;
};
struct MemberSubscriptionRecord {
  std::string member_id;
  std::optional<MemberSubscription> value;
};
struct TargetEpochRecord {
  std::optional<TargetEpoch> value;
};
struct TargetAssignmentRecord {
  std::string member_id;
  std::optional<PartitionList> value;
};
struct MemberAssignmentRecord {
  std::string member_id;
  std::optional<MemberAssignment> value;
};
struct RegexRecord {
  std::string regex;
  std::optional<ResolvedRegex> value;
};

using ConsumerRecord = std::variant<GroupEpochRecord, MemberSubscriptionRecord, TargetEpochRecord,
                                    TargetAssignmentRecord, MemberAssignmentRecord, RegexRecord>;

}  // namespace sluice::broker
