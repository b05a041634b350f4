// One member of a consumer group. Owned and changed by its group alone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "broker/group/core/consumer/consumer_record.h"

namespace sluice::broker {

struct ConsumerMember {
  // As written down.
  std::optional<MemberSubscription> subscription;  // Nothing: only while records are read.
  MemberAssignment current;
  PartitionList target;
  bool has_target = false;

  // Known to this run alone.
  int64_t session_deadline_ms = INT64_MAX;
  std::optional<int64_t> revoke_deadline_ms = {};  // To have given up what it must.
  std::optional<int64_t> join_deadline_ms = {};    // Classic side: to have joined again,
  std::optional<int64_t> sync_deadline_ms = {};    // and to have asked for its assignment.

  bool is_classic() const { return subscription && subscription->classic.has_value(); }
  bool IsReconciledTo(int32_t epoch) const {
    return current.state == MemberState::kStable && current.epoch == epoch;
  }
  int64_t deadline_ms() const {
    return std::min({session_deadline_ms, revoke_deadline_ms.value_or(INT64_MAX),
                     join_deadline_ms.value_or(INT64_MAX), sync_deadline_ms.value_or(INT64_MAX)});
  }
};

}  // namespace sluice::broker
