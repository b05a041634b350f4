// All that is written down of a consumer group, as text that tests compare; and logs as compaction leaves
// them.
#pragma once

#include <string>
#include <vector>

#include "broker/group/core/consumer/consumer_group.h"

namespace sluice::broker {

std::string Dump(const ConsumerGroup& group);

// The last record of each key, in their order.
std::vector<ConsumerRecord> Compacted(const std::vector<ConsumerRecord>& log);

}  // namespace sluice::broker
