// One member of a classic group. Owned and changed by its group alone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/group/core/classic_types.h"

namespace sluice::broker {

struct ClassicMember {
  std::string id;
  std::optional<std::string> instance_id;
  std::string client_id;
  std::string client_host;
  int32_t session_timeout_ms = 0;
  int32_t rebalance_timeout_ms = 0;
  std::vector<GroupProtocol> protocols;
  std::string assignment;

  bool is_new = true;       // Did not get through a rebalance yet.
  bool owes_sync = false;   // Was told the generation and has not asked for its assignment.
  int64_t deadline_ms = 0;  // To be heard of by then, unless it is waiting for us.
  std::optional<AnswerToken> waiting_join;
  bool join_can_skip = false;
  std::optional<AnswerToken> waiting_sync;

  const GroupProtocol* Find(absl::string_view name) const {
    const auto found =
        std::find_if(protocols.begin(), protocols.end(), [name](const auto& p) { return p.name == name; });
    return found == protocols.end() ? nullptr : &*found;
  }
  std::string MetadataOf(absl::string_view protocol) const {
    const GroupProtocol* found = Find(protocol);
    return found == nullptr ? std::string() : found->metadata;
  }
};

}  // namespace sluice::broker
