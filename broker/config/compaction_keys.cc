// Names and defaults are Kafka's. Its log.cleaner.io.buffer.* are not here: the cleaner's buffers are small
// and fixed.
#include "broker/config/compaction_keys.h"

namespace sluice::broker {
namespace {

using enum ConfigType;

constexpr absl::string_view kNever = "9223372036854775807";

}  // namespace

std::vector<ConfigDef> CleanerKeys() {
  return {
      {.name = "log.cleaner.enable",
       .type = kBoolean,
       .default_value = "true",
       .documentation = "Whether topics of cleanup.policy=compact are compacted."},
      {.name = "log.cleaner.threads",
       .type = kInt,
       .default_value = "1",
       .documentation = "Threads that compact, in each directory of log.dirs.",
       .min = 1,
       .max = 64},
      {.name = "log.cleaner.dedupe.buffer.size",
       .type = kLong,
       .default_value = "134217728",
       .documentation = "The most memory for the keys of the logs being compacted, in each directory of "
                        "log.dirs: 24 bytes a key and up. More keys take more passes.",
       .min = 1048576},
      {.name = "log.cleaner.io.max.bytes.per.second",
       .type = kDouble,
       .default_value = "1.7976931348623157E308",
       .documentation = "What compaction may read and write together in a second, in each directory of "
                        "log.dirs.",
       .min = 1},
      {.name = "log.cleaner.backoff.ms",
       .type = kLong,
       .default_value = "15000",
       .documentation = "How long the cleaner waits when there is nothing to compact.",
       .min = 1},
      {.name = "log.cleaner.min.cleanable.ratio",
       .type = kDouble,
       .default_value = "0.5",
       .documentation = "Share of a log's bytes that must be new since its last compaction for the next one.",
       .min = 0,
       .max = 1},
      {.name = "log.cleaner.delete.retention.ms",
       .type = kLong,
       .default_value = "86400000",
       .documentation = "How long a record without a value, which deletes its key, stays once compacted.",
       .min = 0},
      {.name = "log.cleaner.min.compaction.lag.ms",
       .type = kLong,
       .default_value = "0",
       .documentation = "Records younger than this are not compacted.",
       .min = 0},
      {.name = "log.cleaner.max.compaction.lag.ms",
       .type = kLong,
       .default_value = kNever,
       .documentation = "Records older than this are compacted, whatever share of the log is new.",
       .min = 1},
  };
}

std::vector<ConfigDef> CompactionTopicKeys() {
  return {
      {.name = "cleanup.policy",
       .type = kList,
       .default_value = "delete",
       .documentation =
           "What happens to old records. delete: retention.ms and retention.bytes hold. compact: "
           "the newest record of each key stays. Both, as compact,delete, hold together.",
       .allowed = {"delete", "compact"},
       .broker_synonym = "log.cleanup.policy"},
      {.name = "delete.retention.ms",
       .type = kLong,
       .default_value = "86400000",
       .documentation = "How long a record without a value, which deletes its key, stays once compacted.",
       .min = 0,
       .broker_synonym = "log.cleaner.delete.retention.ms"},
      {.name = "max.compaction.lag.ms",
       .type = kLong,
       .default_value = kNever,
       .documentation = "Records older than this are compacted, whatever share of the log is new.",
       .min = 1,
       .broker_synonym = "log.cleaner.max.compaction.lag.ms"},
      {.name = "min.cleanable.dirty.ratio",
       .type = kDouble,
       .default_value = "0.5",
       .documentation = "Share of a log's bytes that must be new since its last compaction for the next one.",
       .min = 0,
       .max = 1,
       .broker_synonym = "log.cleaner.min.cleanable.ratio"},
      {.name = "min.compaction.lag.ms",
       .type = kLong,
       .default_value = "0",
       .documentation = "Records younger than this are not compacted.",
       .min = 0,
       .broker_synonym = "log.cleaner.min.compaction.lag.ms"},
  };
}

}  // namespace sluice::broker
