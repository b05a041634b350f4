// What goes into a classic group and what comes out of it: values only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "proto/kafka/error_code.h"

namespace sluice::broker {

enum class GroupState { kEmpty, kPreparingRebalance, kCompletingRebalance, kStable, kDead };

// As Kafka's tools print it.
absl::string_view GroupStateName(GroupState state);

// Names a request that is answered later. The group gives it back with the answer, once.
using AnswerToken = uint64_t;

struct GroupLimits {
  int32_t session_timeout_ms_min = 6'000;
  int32_t session_timeout_ms_max = 1'800'000;
  int32_t initial_rebalance_delay_ms = 3'000;
  int32_t size_max = INT32_MAX;
};

// Opaque bytes of the members' own protocol: subscriptions and assignments.
struct GroupProtocol {
  std::string name;
  std::string metadata;
  friend bool operator==(const GroupProtocol&, const GroupProtocol&) = default;
};

struct JoinRequest {
  std::string member_id;                        // Empty: new.
  std::optional<std::string> instance_id = {};  // A static member (KIP-345).
  std::string client_id = {};
  std::string client_host = {};
  int32_t session_timeout_ms = 0;
  int32_t rebalance_timeout_ms = 0;
  std::string protocol_type = {};
  std::vector<GroupProtocol> protocols = {};  // The best one first.
  std::string new_member_id = {};             // Taken when the member is new: unique, made by the caller.
  bool must_know_its_id = false;     // A new dynamic member is told its id and comes again (KIP-394).
  bool can_skip_assignment = false;  // It understands JoinAnswer::skip_assignment.
};

struct JoinedMember {
  std::string member_id;
  std::optional<std::string> instance_id;
  std::string metadata;  // Its subscription under the chosen protocol.
};

struct JoinAnswer {
  kafka::ErrorCode error = kafka::ErrorCode::kNone;
  int32_t generation = -1;
  std::optional<std::string> protocol_type = {};
  std::optional<std::string> protocol = {};
  std::string leader = {};
  std::string member_id = {};
  bool skip_assignment = false;
  std::vector<JoinedMember> members = {};  // For the leader only.
};

// Who claims to be a member of which generation: Sync, Heartbeat and OffsetCommit.
struct MemberClaim {
  std::string member_id;
  std::optional<std::string> instance_id = {};
  int32_t generation = -1;
};

struct SyncRequest {
  MemberClaim member;
  std::optional<std::string> protocol_type = {};  // What the member believes; checked where given.
  std::optional<std::string> protocol = {};
  std::vector<std::pair<std::string, std::string>> assignments = {};  // By member id; the leader's.
};

struct SyncAnswer {
  kafka::ErrorCode error = kafka::ErrorCode::kNone;
  std::optional<std::string> protocol_type = {};
  std::optional<std::string> protocol = {};
  std::string assignment = {};
};

struct LeaveRequest {
  std::string member_id;  // May be empty for a static member.
  std::optional<std::string> instance_id = {};
};

// What an event leads to besides its own answer.
struct ClassicEffects {
  std::vector<std::pair<AnswerToken, JoinAnswer>> joins;
  std::vector<std::pair<AnswerToken, SyncAnswer>> syncs;
  bool store = false;  // The group has to be written down (ClassicGroup::ToRecord) before anyone is answered.
};

}  // namespace sluice::broker
