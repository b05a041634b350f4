// Values of consumer groups: what a member is told (Consumer), and what an operator asks (Admin).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace sluice {

struct TopicPartition {
  std::string topic = {};
  int32_t partition = 0;

  friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
};

// How far a group has read in a partition: the offset of the next record that it wants.
struct GroupOffset {
  std::string topic = {};
  int32_t partition = 0;
  int64_t offset = -1;        // -1, when it was asked for: nothing is committed.
  int32_t leader_epoch = -1;  // Of the last record read; -1: unknown.
  std::string metadata = {};  // Anything that the committer wants to find again.

  friend bool operator==(const GroupOffset&, const GroupOffset&) = default;
};

// What a member of a group wants to know when its partitions change. Called on the application's thread, from
// inside Poll, Unsubscribe, Close or the destructor; each may call the consumer (commit, seek, pause), but
// not Poll, Subscribe, Unsubscribe or Close. Empty functions are not called.
struct RebalanceListener {
  using Function = std::function<void(const std::vector<TopicPartition>&)>;

  // These came in addition to what there was. Their positions may not be known yet; a Seek wins.
  Function assigned = nullptr;
  // These go, and still belong to this member until the function returns: the moment to finish and commit
  // what was read of them.
  Function revoked = nullptr;
  // These are gone, and somebody else may be reading them: the group has dropped this member. Nothing can be
  // committed. Empty: `revoked` is called instead.
  Function lost = nullptr;
};

// Called once for each commit, on the client's I/O thread. It must not block, nor call the consumer, Wakeup
// excepted.
using CommitCallback = std::function<void(const absl::Status&)>;

// Which member of which generation a consumer is at the moment.
struct GroupMembership {
  std::string group_id = {};
  std::string member_id = {};    // Empty: none.
  std::string instance_id = {};  // Empty: the member is not static.
  int32_t generation = -1;       // -1: none.
};

struct GroupListing {
  std::string group_id = {};
  std::string type = {};           // "classic", "consumer" and so on; empty when the broker does not tell.
  std::string protocol_type = {};  // "consumer" for consumers; empty when only offsets are left.
  std::string state = {};          // "Stable", "Empty" and so on; empty when the broker does not tell.
};

struct GroupMember {
  std::string member_id = {};
  std::string instance_id = {};  // Empty: the member is not static.
  std::string client_id = {};
  std::string host = {};
  std::vector<std::string> topics = {};         // What it subscribes to; ordered.
  std::vector<TopicPartition> assignment = {};  // Ordered.
};

// Of both kinds of groups: the classic ones, whose members share out the partitions among themselves, and
// those of KIP-848, where the broker does.
struct GroupDescription {
  std::string group_id = {};
  std::string type = {};      // "classic" or "consumer".
  std::string state = {};     // "Empty", "PreparingRebalance", "CompletingRebalance", "Stable", ...
  std::string assignor = {};  // "range" and so on; empty while there is none.
  std::string protocol_type = {};
  int32_t coordinator = -1;               // The broker's id.
  std::vector<GroupMember> members = {};  // Ordered by client id and member id.
};

}  // namespace sluice
