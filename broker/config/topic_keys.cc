// The keys of a topic. A key that only replication reads is accepted, because tools set it
// without asking, and says so; a value that would promise what is not done is refused.
#include "broker/config/compaction_keys.h"
#include "broker/config/config_def.h"

namespace sluice::broker {
namespace {

using enum ConfigType;

constexpr absl::string_view kNever = "9223372036854775807";

std::vector<ConfigDef> KeptKeys() {
  return {
      {.name = "compression.type",
       .type = kString,
       .default_value = "producer",
       .documentation = "What batches are compressed with on the broker. producer: they stay as they were "
                        "sent. Any other: "
                        "those that came otherwise are compressed anew, which costs the broker's CPU.",
       .allowed = {"producer", "uncompressed", "none", "gzip", "snappy", "lz4", "zstd"},
       .broker_synonym = "compression.type"},
      {.name = "compression.gzip.level",
       .type = kInt,
       .default_value = "-1",
       .documentation = "The level of compression.type=gzip, 1 to 9. -1: gzip's own default.",
       .allowed = {"-1", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
       .broker_synonym = "compression.gzip.level"},
      {.name = "compression.lz4.level",
       .type = kInt,
       .default_value = "9",
       .documentation = "The level of compression.type=lz4. 9, as in Kafka, is lz4's fast mode.",
       .min = 1,
       .max = 17,
       .broker_synonym = "compression.lz4.level"},
      {.name = "compression.zstd.level",
       .type = kInt,
       .default_value = "3",
       .documentation = "The level of compression.type=zstd; below 0 it is faster and larger.",
       .min = -131072,
       .max = 22,
       .broker_synonym = "compression.zstd.level"},
      {.name = "file.delete.delay.ms",
       .type = kLong,
       .default_value = "60000",
       .documentation = "How long the files of deleted segments stay.",
       .min = 0,
       .broker_synonym = "log.segment.delete.delay.ms"},
      {.name = "flush.messages",
       .type = kLong,
       .default_value = kNever,
       .documentation = "Records after which a page-cache log is synced. A synced log always is.",
       .min = 1,
       .broker_synonym = "log.flush.interval.messages"},
      {.name = "flush.ms",
       .type = kLong,
       .default_value = kNever,
       .documentation = "Time after which a page-cache log is synced. A synced log always is.",
       .min = 0,
       .broker_synonym = "log.flush.interval.ms"},
      {.name = "index.interval.bytes",
       .type = kInt,
       .default_value = "4096",
       .documentation = "Log bytes between two entries of the offset index.",
       .min = 0,
       .broker_synonym = "log.index.interval.bytes"},
      {.name = "max.message.bytes",
       .type = kInt,
       .default_value = "1048588",
       .documentation = "The largest record batch, as it came and as it is stored.",
       .min = 0,
       .broker_synonym = "message.max.bytes"},
      {.name = "message.timestamp.type",
       .type = kString,
       .default_value = "CreateTime",
       .documentation = "Whose clock stamps records: the producer's or the broker's.",
       .allowed = {"CreateTime", "LogAppendTime"},
       .broker_synonym = "log.message.timestamp.type"},
      {.name = "message.timestamp.before.max.ms",
       .type = kLong,
       .default_value = kNever,
       .documentation = "How far in the past a producer's timestamp may lie.",
       .min = 0,
       .broker_synonym = "log.message.timestamp.before.max.ms"},
      {.name = "message.timestamp.after.max.ms",
       .type = kLong,
       .default_value = "3600000",
       .documentation = "How far in the future a producer's timestamp may lie.",
       .min = 0,
       .broker_synonym = "log.message.timestamp.after.max.ms"},
      {.name = "min.insync.replicas",
       .type = kInt,
       .default_value = "1",
       .documentation = "Copies that acks=all waits for. There is one broker, so one.",
       .min = 1,
       .max = 1,
       .broker_synonym = "min.insync.replicas"},
      {.name = "retention.bytes",
       .type = kLong,
       .default_value = "-1",
       .documentation = "Size of a partition above which its oldest records are deleted. -1: no limit.",
       .min = -1,
       .broker_synonym = "log.retention.bytes"},
      {.name = "retention.ms",
       .type = kLong,
       .default_value = "604800000",
       .documentation = "Age at which records may be deleted. -1: never.",
       .min = -1,
       .broker_synonym = "log.retention.ms"},
      {.name = "segment.bytes",
       .type = kInt,
       .default_value = "1073741824",
       .documentation = "Size at which a log goes on in a new file.",
       .min = 1048576,
       .broker_synonym = "log.segment.bytes"},
      {.name = "segment.jitter.ms",
       .type = kLong,
       .default_value = "0",
       .documentation = "How much earlier than segment.ms says a segment may be closed: logs that began "
                        "together then do not "
                        "all roll together.",
       .min = 0,
       .broker_synonym = "log.roll.jitter.ms"},
      {.name = "segment.ms",
       .type = kLong,
       .default_value = "604800000",
       .documentation = "Age at which a log goes on in a new file, full or not.",
       .min = 1,
       .broker_synonym = "log.roll.ms"},
      {.name = "sluice.durability",
       .type = kString,
       .default_value = "synced",
       .documentation =
           "synced: acks=all and consumers wait for the disk. page-cache: for memory only, as Kafka "
           "does; a power cut may lose what was acknowledged.",
       .allowed = {"synced", "page-cache"},
       .broker_synonym = "sluice.durability"},
  };
}

std::vector<ConfigDef> KeysWithoutEffect() {
  return {
      {.name = "preallocate",
       .type = kBoolean,
       .default_value = "false",
       .documentation = "Without effect: segments always are allocated ahead.",
       .broker_synonym = "log.preallocate"},
      {.name = "segment.index.bytes",
       .type = kInt,
       .default_value = "10485760",
       .documentation = "Without effect: the index is not a file per segment.",
       .min = 4,
       .broker_synonym = "log.index.size.max.bytes"},
      {.name = "unclean.leader.election.enable",
       .type = kBoolean,
       .default_value = "false",
       .documentation = "Without effect: there is one broker and no election."},
      {.name = "leader.replication.throttled.replicas",
       .type = kList,
       .default_value = "",
       .documentation = "Without effect: there is one broker and no replication."},
      {.name = "follower.replication.throttled.replicas",
       .type = kList,
       .default_value = "",
       .documentation = "Without effect: there is one broker and no replication."},
      {.name = "remote.storage.enable",
       .type = kBoolean,
       .default_value = "false",
       .documentation = "Tiered storage is not supported: false is all there is.",
       .allowed = {"false"}},
  };
}

}  // namespace

std::span<const ConfigDef> TopicConfigDefs() {
  static const auto* defs = [] {
    auto* all = new std::vector<ConfigDef>(CompactionTopicKeys());
    for (const auto& keys : {KeptKeys(), KeysWithoutEffect()}) {
      all->insert(all->end(), keys.begin(), keys.end());
    }
    return all;
  }();
  return *defs;
}

}  // namespace sluice::broker
