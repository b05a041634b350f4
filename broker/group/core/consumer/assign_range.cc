#include <algorithm>
#include <numeric>

#include "broker/group/core/consumer/assignor.h"

namespace sluice::broker {
namespace {

bool ComesFirst(const AssignorMember& a, const AssignorMember& b) {
  if (a.instance_id.has_value() != b.instance_id.has_value()) {
    return a.instance_id.has_value();
  }
  return a.instance_id ? *a.instance_id < *b.instance_id : a.id < b.id;
}

// The members of each topic, in the order in which they are served.
std::vector<std::vector<size_t>> SubscribersOf(const AssignorInput& input) {
  std::vector<size_t> order(input.members.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return ComesFirst(input.members[a], input.members[b]); });
  std::vector<std::vector<size_t>> subscribers(input.topics.size());
  for (const size_t member : order) {
    for (const size_t topic : input.members[member].topics) {
      subscribers[topic].push_back(member);
    }
  }
  return subscribers;
}

}  // namespace

// 7 partitions, 3 members: [0..2] [3..4] [5..6].
AssignorResult AssignRange(const AssignorInput& input) {
  AssignorResult result(input.members.size());
  const auto subscribers = SubscribersOf(input);
  for (size_t topic = 0; topic < input.topics.size(); ++topic) {
    const auto& members = subscribers[topic];
    if (members.empty()) {
      continue;
    }
    const auto count = static_cast<int32_t>(members.size());
    const int32_t each = input.topics[topic].partitions / count;
    const int32_t with_one_more = input.topics[topic].partitions % count;
    int32_t next = 0;
    for (int32_t i = 0; i < count; ++i) {
      for (const int32_t end = next + each + (i < with_one_more ? 1 : 0); next < end; ++next) {
        result[members[static_cast<size_t>(i)]].push_back({input.topics[topic].id, PartitionId(next)});
      }
    }
  }
  return result;  // Sorted: topics are, and each topic's run is.
}

Assignor FindAssignor(absl::string_view name) {
  if (name == "uniform") {
    return AssignUniform;
  }
  return name == "range" ? AssignRange : nullptr;
}

}  // namespace sluice::broker
