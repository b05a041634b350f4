// The broker's keys. Defaults are Kafka's, but where a safe or measured choice of ours stands beside the key.
#include "broker/config/config_keys.h"

#include "broker/config/compaction_keys.h"

namespace sluice::broker {
namespace {

using enum ConfigType;

constexpr absl::string_view kNever = "9223372036854775807";

std::vector<ConfigDef> LogKeys() {
  return {
      {.name = "log.dirs",
       .type = kList,
       .default_value = "./sluice-data",
       .documentation = "Directories for data; a new partition goes to the one with the fewest. One that "
                        "fails goes offline, the others serve; the first holds the metadata and must open."},
      {.name = "log.dir",
       .type = kString,
       .default_value = "",
       .documentation = "One directory for data, when log.dirs is not set."},
      {.name = "log.segment.bytes",
       .type = kInt,
       .default_value = "1073741824",
       .documentation = "Size at which a log goes on in a new file.",
       .min = 1048576},
      {.name = "log.roll.ms",
       .type = kLong,
       .default_value = "604800000",
       .documentation = "Age at which a log goes on in a new file, full or not.",
       .min = 1},
      {.name = "log.roll.hours",
       .type = kInt,
       .default_value = "168",
       .documentation = "log.roll.ms in hours, when log.roll.ms is not set.",
       .min = 1},
      {.name = "log.roll.jitter.ms",
       .type = kLong,
       .default_value = "0",
       .documentation =
           "How much earlier than log.roll.ms says a segment may be closed: logs that began together then do "
           "not all roll together.",
       .min = 0},
      {.name = "log.roll.jitter.hours",
       .type = kInt,
       .default_value = "0",
       .documentation = "log.roll.jitter.ms in hours, when log.roll.jitter.ms is not set.",
       .min = 0},
      {.name = "log.retention.ms",
       .type = kLong,
       .default_value = "604800000",
       .documentation = "Age at which records may be deleted. -1: never.",
       .min = -1},
      {.name = "log.retention.minutes",
       .type = kInt,
       .default_value = "",
       .documentation = "log.retention.ms in minutes, when log.retention.ms is not set.",
       .min = -1},
      {.name = "log.retention.hours",
       .type = kInt,
       .default_value = "168",
       .documentation = "log.retention.ms in hours, when neither ms nor minutes are set.",
       .min = -1},
      {.name = "log.retention.bytes",
       .type = kLong,
       .default_value = "-1",
       .documentation = "Size of a partition above which its oldest records are deleted. -1: no limit.",
       .min = -1},
      {.name = "log.retention.check.interval.ms",
       .type = kLong,
       .default_value = "300000",
       .documentation = "How often retention looks for what to delete.",
       .min = 1},
      {.name = "log.cleanup.policy",
       .type = kList,
       .default_value = "delete",
       .documentation = "What happens to old records: delete, compact, or both.",
       .allowed = {"delete", "compact"}},
      {.name = "log.index.interval.bytes",
       .type = kInt,
       .default_value = "4096",
       .documentation = "Log bytes between two entries of the offset index.",
       .min = 0},
      {.name = "log.index.size.max.bytes",
       .type = kInt,
       .default_value = "10485760",
       .documentation = "Accepted for Kafka's sake and without effect: the index is not a file per segment.",
       .min = 4},
      {.name = "log.flush.interval.messages",
       .type = kLong,
       .default_value = kNever,
       .documentation = "Records after which a page-cache log is synced. A synced log always is.",
       .min = 1},
      {.name = "log.flush.interval.ms",
       .type = kLong,
       .default_value = kNever,
       .documentation = "Time after which a page-cache log is synced. A synced log always is.",
       .min = 0},
      {.name = "log.segment.delete.delay.ms",
       .type = kLong,
       .default_value = "60000",
       .documentation = "How long the files of deleted segments stay.",
       .min = 0},
      {.name = "log.preallocate",
       .type = kBoolean,
       .default_value = "false",
       .documentation = "Accepted for Kafka's sake and without effect: segments always are allocated ahead."},
      {.name = "log.message.timestamp.type",
       .type = kString,
       .default_value = "CreateTime",
       .documentation = "Whose clock stamps records: the producer's or the broker's.",
       .allowed = {"CreateTime", "LogAppendTime"}},
      {.name = "log.message.timestamp.before.max.ms",
       .type = kLong,
       .default_value = kNever,
       .documentation = "How far in the past a producer's timestamp may lie.",
       .min = 0},
      {.name = "log.message.timestamp.after.max.ms",
       .type = kLong,
       .default_value = "3600000",
       .documentation = "How far in the future a producer's timestamp may lie.",
       .min = 0},
      {.name = "log.append.method",
       .type = kString,
       .default_value = "mmap",
       .documentation =
           "How records reach a segment: stores into a mapped file, or pwrite(2) where that fails.",
       .allowed = {"mmap", "pwrite"}},
      {.name = "num.recovery.threads.per.data.dir",
       .type = kInt,
       .default_value = "2",
       .documentation = "Threads that check the logs of a directory at the start.",
       .min = 1,
       .max = 1024},
  };
}

std::vector<ConfigDef> TopicDefaultKeys() {
  return {
      {.name = "num.partitions",
       .type = kInt,
       .default_value = "1",
       .documentation = "Partitions of a topic that is created without saying how many.",
       .min = 1,
       .max = 100000},
      {.name = "default.replication.factor",
       .type = kShort,
       .default_value = "1",
       .documentation = "Copies of a partition. There is one broker, so one.",
       .min = 1,
       .max = 1},
      {.name = "min.insync.replicas",
       .type = kInt,
       .default_value = "1",
       .documentation = "Copies that acks=all waits for. There is one broker, so one.",
       .min = 1,
       .max = 1},
      {.name = "auto.create.topics.enable",
       .type = kBoolean,
       .default_value = "false",
       .documentation =
           "Whether asking for a topic that does not exist creates it. Off: a typing error stays an "
           "error."},
      {.name = "delete.topic.enable",
       .type = kBoolean,
       .default_value = "true",
       .documentation = "Whether topics may be deleted."},
      {.name = "message.max.bytes",
       .type = kInt,
       .default_value = "1048588",
       .documentation = "The largest record batch, as it came and as it is stored.",
       .min = 0},
      {.name = "fetch.max.bytes",
       .type = kInt,
       .default_value = "57671680",
       .documentation = "The most bytes of records in one fetch response, but for a larger first batch.",
       .min = 1024},
      {.name = "max.incremental.fetch.session.cache.slots",
       .type = kInt,
       .default_value = "1000",
       .documentation =
           "The most fetch sessions: what consumers read, kept so that they name only what changed. "
           "0: none.",
       .min = 0},
      {.name = "compression.type",
       .type = kString,
       .default_value = "producer",
       .documentation = "What batches are compressed with on the broker. producer: they stay as they were "
                        "sent. Any other: "
                        "those that came otherwise are compressed anew, which costs the broker's CPU.",
       .allowed = {"producer", "uncompressed", "none", "gzip", "snappy", "lz4", "zstd"}},
      {.name = "compression.gzip.level",
       .type = kInt,
       .default_value = "-1",
       .documentation = "The level of compression.type=gzip, 1 to 9. -1: gzip's own default.",
       .allowed = {"-1", "1", "2", "3", "4", "5", "6", "7", "8", "9"}},
      {.name = "compression.lz4.level",
       .type = kInt,
       .default_value = "9",
       .documentation = "The level of compression.type=lz4. 9, as in Kafka, is lz4's fast mode.",
       .min = 1,
       .max = 17},
      {.name = "compression.zstd.level",
       .type = kInt,
       .default_value = "3",
       .documentation = "The level of compression.type=zstd; below 0 it is faster and larger.",
       .min = -131072,
       .max = 22},
  };
}

std::vector<ConfigDef> SluiceKeys() {
  return {
      {.name = "sluice.durability",
       .type = kString,
       .default_value = "synced",
       .documentation =
           "synced: acks=all and consumers wait for the disk. page-cache: for memory only, as Kafka "
           "does; a power cut may lose what was acknowledged.",
       .allowed = {"synced", "page-cache"}},
      {.name = "sluice.grpc.listener",
       .type = kString,
       .default_value = "127.0.0.1:9095",
       .documentation = "host:port of the gRPC API. Empty: off. Port 0: any free port."},
      {.name = "sluice.grpc.max.message.bytes",
       .type = kInt,
       .default_value = "4194304",
       .documentation = "The largest gRPC message that a client may send.",
       .min = 65536},
      {.name = "sluice.grpc.max.streams",
       .type = kInt,
       .default_value = "1000",
       .documentation = "Streaming calls at a time; further ones are refused.",
       .min = 1},
      {.name = "sluice.allow.open.listener",
       .type = kBoolean,
       .default_value = "false",
       .documentation =
           "Permits listeners on addresses that other machines reach, though nobody is asked who "
           "they are."},
      {.name = "sluice.socket.congestion.control",
       .type = kString,
       .default_value = "",
       .documentation = "TCP congestion control of client sockets, such as cubic. Empty: the system's."},
      {.name = "sluice.transfer.method",
       .type = kString,
       .default_value = "sendfile",
       .documentation = "How records go from files to sockets.",
       .allowed = {"sendfile", "read-write", "mmap-write", "splice"}},
      {.name = "sluice.disk.pool.threads",
       .type = kInt,
       .default_value = "8",
       .documentation = "Threads for everything that may block: allocation, cold reads, metadata.",
       .min = 1,
       .max = 1024},
      {.name = "sluice.receive.budget.bytes",
       .type = kLong,
       .default_value = "268435456",
       .documentation = "Memory for requests that are being received and handled; above it reading pauses.",
       .min = 1048576},
      {.name = "sluice.decompressed.max.bytes",
       .type = kInt,
       .default_value = "67108864",
       .documentation =
           "The most that a batch may decompress to where the broker opens it: to compress it anew "
           "(compression.type), and for gRPC readers.",
       .min = 1048576},
      {.name = "sluice.response.max.bytes",
       .type = kLong,
       .default_value = "8388608",
       .documentation = "Memory for answers that one connection has not taken yet; above it, its next "
                        "request waits. Records "
                        "on their way from files take none.",
       .min = 65536},
      {.name = "sluice.fetch.session.cache.bytes",
       .type = kLong,
       .default_value = "134217728",
       .documentation =
           "The most memory of all fetch sessions together, some 350 bytes a partition. One that "
           "finds no room is not opened, and its client names all its partitions each time.",
       .min = 0},
      {.name = "sluice.checkpoint.bytes",
       .type = kLong,
       .default_value = "67108864",
       .documentation =
           "How much a log grows between two checkpoints. A start after a crash checks a log from its last "
           "checkpoint on, and from further back when later ones could not be written.",
       .min = 1048576},
      {.name = "sluice.sync.method",
       .type = kString,
       .default_value = "journal",
       .documentation = "How synced logs reach the disk before they are acknowledged: all together through "
                        "one journal, or "
                        "each by a sync of its segment.",
       .allowed = {"journal", "segment"}},
      {.name = "sluice.map.from.bytes",
       .type = kLong,
       .default_value = "1048576",
       .documentation = "log.append.method=mmap: a log that appends less than this between two syncs is "
                        "written with pwrite, "
                        "which costs less than faulting fresh pages in, and holds no map.",
       .min = 0},
      {.name = "sluice.journal.dir",
       .type = kString,
       .default_value = "",
       .documentation =
           "Where the journal of each log dir is kept, in a folder of its own; empty: in the log dir."},
      {.name = "sluice.journal.bytes",
       .type = kLong,
       .default_value = "268435456",
       .documentation =
           "Size of a log dir's journal. What is in it is written to the segments when it is half full, and "
           "is "
           "put there after a crash: the larger, the fewer bytes are written in all, and the longer such a "
           "start takes.",
       .min = 2097152},
      {.name = "sluice.journal.direct.bytes",
       .type = kInt,
       .default_value = "2097152",
       .documentation =
           "A log that appended so much since its last acknowledgement has its segment synced, beside the "
           "journal.",
       .min = 4096},
      {.name = "sluice.maintenance.interval.ms",
       .type = kLong,
       .default_value = "1000",
       .documentation = "How often logs are looked at for rolling by age, retention, flush.ms and idleness; "
                        "idle ones each 30 s.",
       .min = 1},
      {.name = "sluice.idle.unmap.ms",
       .type = kLong,
       .default_value = "60000",
       .documentation =
           "A log without appends for so long gives back the map of its segment and the disk space "
           "behind its end.",
       .min = 1},
      {.name = "sluice.index.cache.bytes",
       .type = kLong,
       .default_value = "33554432",
       .documentation = "Memory for blocks of the offset index, a log dir.",
       .min = 1048576},
      {.name = "sluice.scrub.bytes.per.second",
       .type = kLong,
       .default_value = "8388608",
       .documentation =
           "How fast sealed segments are read and verified in the background, a log dir. 0: not at all.",
       .min = 0},
      {.name = "sluice.scrub.interval.ms",
       .type = kLong,
       .default_value = "604800000",
       .documentation = "How often all sealed segments are verified; the first time after a start, at once.",
       .min = 1},
      {.name = "sluice.partitions.max",
       .type = kInt,
       .default_value = "100000",
       .documentation = "The most partitions that this broker holds, all topics together.",
       .min = 1,
       .max = 10000000},
  };
}

std::vector<ConfigDef> AllKeys() {
  std::vector<ConfigDef> all;
  for (auto part : {IdentityKeys(), NetworkKeys(), LogKeys(), TopicDefaultKeys(), CleanerKeys(),
                    GroupAndProducerKeys(), SluiceKeys()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace

std::span<const ConfigDef> BrokerConfigDefs() {
  static const auto* defs = new std::vector<ConfigDef>(AllKeys());
  return *defs;
}

}  // namespace sluice::broker
