#include "broker/config/topic_config.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "broker/config/config_value.h"
#include "proto/base/check.h"
#include "proto/base/status_macros.h"

namespace sluice::broker {
namespace {

// The values of one topic: overrides first, then the broker's, then defaults.
class Resolver {
 public:
  Resolver(const BrokerConfig& broker, const std::map<std::string, std::string>& overrides)
      : broker_(broker), overrides_(overrides) {}

  const ConfigDef& Def(absl::string_view name) const {
    const ConfigDef* def = FindTopicConfig(name);
    CHECK(def != nullptr);
    return *def;
  }

  TopicConfig::Described Describe(const ConfigDef& def) const {
    if (const auto found = overrides_.find(std::string(def.name)); found != overrides_.end()) {
      return {.def = &def, .value = found->second, .source = 1};
    }
    if (!def.broker_synonym.empty()) {
      return {.def = &def,
              .value = broker_.String(def.broker_synonym),
              .source = static_cast<int8_t>(broker_.SourceOf(def.broker_synonym))};
    }
    return {.def = &def, .value = std::string(def.default_value)};
  }

  std::string String(absl::string_view name) const { return Describe(Def(name)).value; }

  // Whether a list names `item`.
  bool Has(absl::string_view name, absl::string_view item) const {
    const std::vector<std::string> items = SplitConfigList(String(name));
    return std::find(items.begin(), items.end(), item) != items.end();
  }

  double Double(absl::string_view name) const {
    double number = 0;
    CHECK(absl::SimpleAtod(String(name), &number));
    return number;
  }

  int64_t Int(absl::string_view name) const {
    int64_t number = 0;
    CHECK(absl::SimpleAtoi(String(name), &number));
    return number;
  }

 private:
  const BrokerConfig& broker_;
  const std::map<std::string, std::string>& overrides_;
};

storage::LogOptions ResolveLog(const BrokerConfig& broker, const Resolver& values) {
  return {
      .segment_bytes = values.Int("segment.bytes"),
      .segment_ms = values.Int("segment.ms"),
      .segment_jitter_ms = values.Int("segment.jitter.ms"),
      .retention_bytes = values.Int("retention.bytes"),
      .retention_ms = values.Int("retention.ms"),
      .index_interval_bytes = values.Int("index.interval.bytes"),
      .flush_messages = values.Int("flush.messages"),
      .flush_ms = values.Int("flush.ms"),
      .file_delete_delay_ms = values.Int("file.delete.delay.ms"),
      .timestamp_type = values.String("message.timestamp.type") == "LogAppendTime"
                            ? record::TimestampType::kLogAppendTime
                            : record::TimestampType::kCreateTime,
      .durability = values.String("sluice.durability") == "synced" ? storage::Durability::kSynced
                                                                   : storage::Durability::kPageCache,
      .append_method = broker.String("log.append.method") == "mmap" ? storage::AppendMethod::kMmap
                                                                    : storage::AppendMethod::kPwrite,
      .map_from_bytes = broker.Int("sluice.map.from.bytes"),
      .cleanup_delete = values.Has("cleanup.policy", "delete"),
      .cleanup_compact = values.Has("cleanup.policy", "compact"),
      .delete_retention_ms = values.Int("delete.retention.ms"),
      .min_compaction_lag_ms = values.Int("min.compaction.lag.ms"),
      .max_compaction_lag_ms = values.Int("max.compaction.lag.ms"),
      .min_cleanable_dirty_ratio = values.Double("min.cleanable.dirty.ratio"),
  };
}

std::optional<record::Codec> ResolveCodec(const Resolver& values) {
  const std::string type = values.String("compression.type");
  if (type == "producer") {
    return std::nullopt;
  }
  const std::optional<record::Codec> codec = record::ParseCodec(type == "uncompressed" ? "none" : type);
  CHECK(codec.has_value());
  return codec;
}

// Kafka's numbers (KIP-390): gzip's -1 and lz4's 9 stand for the codec's own default, which for lz4 is the
// fast mode; its levels above 12 are the same as 12.
int ResolveLevel(std::optional<record::Codec> codec, const Resolver& values) {
  constexpr int64_t kGzipDefault = -1;
  constexpr int64_t kLz4Default = 9;
  constexpr int64_t kLz4Highest = 12;
  if (codec == record::Codec::kGzip) {
    const int64_t level = values.Int("compression.gzip.level");
    return level == kGzipDefault ? record::kDefaultLevel : static_cast<int>(level);
  }
  if (codec == record::Codec::kLz4) {
    const int64_t level = values.Int("compression.lz4.level");
    return level == kLz4Default ? record::kDefaultLevel : static_cast<int>(std::min(level, kLz4Highest));
  }
  return codec == record::Codec::kZstd ? static_cast<int>(values.Int("compression.zstd.level"))
                                       : record::kDefaultLevel;
}

absl::Status CheckLags(const storage::LogOptions& log) {
  if (log.min_compaction_lag_ms <= log.max_compaction_lag_ms) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("config \"min.compaction.lag.ms\": the value ", log.min_compaction_lag_ms,
                   " is above max.compaction.lag.ms, which is ", log.max_compaction_lag_ms,
                   ": nothing could be compacted in time; lower the one or raise the other"));
}

}  // namespace

absl::StatusOr<TopicConfig> TopicConfig::Resolve(const BrokerConfig& broker,
                                                 const std::map<std::string, std::string>& overrides) {
  TopicConfig config;
  for (const auto& [name, value] : overrides) {
    const ConfigDef* def = FindTopicConfig(name);
    if (def == nullptr) {
      return UnknownConfig(name, TopicConfigDefs());
    }
    ASSIGN_OR_RETURN(config.overrides_[name], NormalConfigValue(*def, value));
  }
  const Resolver values(broker, config.overrides_);
  config.log_ = ResolveLog(broker, values);
  RETURN_IF_ERROR(CheckLags(config.log_));
  config.codec_ = ResolveCodec(values);
  config.compression_level_ = ResolveLevel(config.codec_, values);
  config.decompressed_bytes_max_ = broker.Int("sluice.decompressed.max.bytes");
  config.max_message_bytes_ = values.Int("max.message.bytes");
  config.timestamp_before_max_ms_ = values.Int("message.timestamp.before.max.ms");
  config.timestamp_after_max_ms_ = values.Int("message.timestamp.after.max.ms");
  return config;
}

std::vector<TopicConfig::Described> TopicConfig::Describe(const BrokerConfig& broker) const {
  const Resolver values(broker, overrides_);
  std::vector<Described> described;
  for (const ConfigDef& def : TopicConfigDefs()) {
    described.push_back(values.Describe(def));
  }
  return described;
}

}  // namespace sluice::broker
