// Consumer groups and producers.
#include "broker/config/config_keys.h"

namespace sluice::broker {

using enum ConfigType;

std::vector<ConfigDef> GroupAndProducerKeys() {
  return {
      {.name = "group.initial.rebalance.delay.ms",
       .type = kInt,
       .default_value = "3000",
       .documentation = "How long a new, empty group waits for more members before its first rebalance.",
       .min = 0},
      {.name = "group.min.session.timeout.ms",
       .type = kInt,
       .default_value = "6000",
       .documentation = "The shortest session timeout that a group member may ask for.",
       .min = 1},
      {.name = "group.max.session.timeout.ms",
       .type = kInt,
       .default_value = "1800000",
       .documentation = "The longest session timeout that a group member may ask for.",
       .min = 1},
      {.name = "group.max.size",
       .type = kInt,
       .default_value = "2147483647",
       .documentation = "The most members of a group.",
       .min = 1},
      {.name = "group.consumer.session.timeout.ms",
       .type = kInt,
       .default_value = "45000",
       .documentation = "Consumer protocol: how long a member that sends no heartbeat is waited for.",
       .min = 1},
      {.name = "group.consumer.heartbeat.interval.ms",
       .type = kInt,
       .default_value = "5000",
       .documentation = "Consumer protocol: how often members are told to send heartbeats.",
       .min = 1},
      {.name = "group.consumer.max.size",
       .type = kInt,
       .default_value = "2147483647",
       .documentation = "Consumer protocol: the most members of a group.",
       .min = 1},
      {.name = "group.consumer.assignors",
       .type = kList,
       .default_value = "uniform,range",
       .documentation =
           "Consumer protocol: the assignors that members may ask for. The first is for groups whose members "
           "do not.",
       .allowed = {"uniform", "range"}},
      {.name = "group.consumer.regex.refresh.interval.ms",
       .type = kInt,
       .default_value = "600000",
       .documentation =
           "Consumer protocol: how often topics are matched with regular expressions although none was made "
           "or deleted.",
       .min = 10000},
      {.name = "group.consumer.migration.policy",
       .type = kString,
       .default_value = "bidirectional",
       .documentation =
           "Whether a classic group becomes one of the consumer protocol when such a member joins (upgrade), "
           "and a classic one again when the last such member leaves (downgrade), without its members being "
           "stopped.",
       .allowed = {"bidirectional", "upgrade", "downgrade", "disabled"}},
      {.name = "offsets.retention.minutes",
       .type = kInt,
       .default_value = "10080",
       .documentation = "How long the committed offsets of a group without members are kept.",
       .min = 1},
      {.name = "offsets.retention.check.interval.ms",
       .type = kLong,
       .default_value = "600000",
       .documentation = "How often expired offsets are looked for.",
       .min = 1},
      {.name = "offset.metadata.max.bytes",
       .type = kInt,
       .default_value = "4096",
       .documentation = "The longest text that a consumer may store beside an offset.",
       .min = 0},
      {.name = "offsets.topic.num.partitions",
       .type = kInt,
       .default_value = "50",
       .documentation = "Partitions of __consumer_offsets. It must not change once groups exist.",
       .min = 1,
       .max = 10000},
      {.name = "offsets.topic.segment.bytes",
       .type = kInt,
       .default_value = "104857600",
       .documentation = "Segment size of __consumer_offsets.",
       .min = 1048576},
      {.name = "producer.id.expiration.ms",
       .type = kInt,
       .default_value = "86400000",
       .documentation = "How long an idempotent producer that sends nothing is remembered.",
       .min = 1},
  };
}

}  // namespace sluice::broker
