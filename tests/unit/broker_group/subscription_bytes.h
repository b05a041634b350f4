// What a consumer of the classic protocol says in its JoinGroup.
#pragma once

#include <string>
#include <vector>

#include "broker/group/core/consumer/partitions.h"
#include "broker/group/core/consumer/topic_view.h"
#include "proto/base/bytes.h"
#include "proto/kafka/gen/consumer_protocol.h"
#include "proto/kafka/wire_writer.h"

namespace sluice::broker {

inline std::string SubscriptionBytes(const std::vector<std::string>& topics, const PartitionList& owned,
                                     const TopicView& view) {
  constexpr int16_t kVersion = 1;  // The first with partitions that are owned.
  kafka::ConsumerProtocolSubscription subscription;
  subscription.topics = topics;
  for (const TopicIdPartition& partition : owned) {
    auto& of_topic = subscription.owned_partitions.emplace_back();
    of_topic.topic = view.NameOf(partition.topic).value_or("");
    of_topic.partitions = {partition.partition.value()};
  }
  kafka::WireWriter out;
  out.WriteInt16(kVersion);
  subscription.Encode(out, kVersion);
  return std::string(AsText(out.buffer()));
}

}  // namespace sluice::broker
