// What a group remembers of its topics: one number that is another one when a topic was made, grew or went,
// also while the broker was down. (Kafka's is computed otherwise: a group that is taken over from there
// rebalances once.)
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "broker/group/core/consumer/topic_view.h"

namespace sluice::broker {

// 0: no topics.
int64_t MetadataHash(const std::map<std::string, TopicShape>& topics);

}  // namespace sluice::broker
