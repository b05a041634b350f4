// One topic's configs: its own overrides over the broker's defaults, resolved once into what the log and the
// produce path read. A value.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/config/broker_config.h"
#include "broker/config/config_def.h"
#include "proto/record/batch_format.h"
#include "proto/record/compression.h"
#include "storage/log/log_options.h"

namespace sluice::broker {

class TopicConfig {
 public:
  // absl::InvalidArgument for an unknown key or a bad value.
  static absl::StatusOr<TopicConfig> Resolve(const BrokerConfig& broker,
                                             const std::map<std::string, std::string>& overrides);

  const std::map<std::string, std::string>& overrides() const { return overrides_; }
  const storage::LogOptions& log() const { return log_; }
  int64_t max_message_bytes() const { return max_message_bytes_; }
  int64_t timestamp_before_max_ms() const { return timestamp_before_max_ms_; }
  int64_t timestamp_after_max_ms() const { return timestamp_after_max_ms_; }
  // What batches are compressed with here; nullopt: whatever their producer chose.
  std::optional<record::Codec> codec() const { return codec_; }
  int compression_level() const { return compression_level_; }  // As record::Compressor takes it.
  int64_t decompressed_bytes_max() const { return decompressed_bytes_max_; }
  bool compacted() const { return log_.cleanup_compact; }
  bool deletes() const { return log_.cleanup_delete; }  // cleanup.policy has "delete".

  // For DescribeConfigs.
  struct Described {
    const ConfigDef* def = nullptr;
    std::string value = {};
    int8_t source = 5;  // 1 topic, 4 static broker, 5 default.
  };
  std::vector<Described> Describe(const BrokerConfig& broker) const;

 private:
  std::map<std::string, std::string> overrides_;
  storage::LogOptions log_;
  int64_t max_message_bytes_ = 0;
  int64_t timestamp_before_max_ms_ = 0;
  int64_t timestamp_after_max_ms_ = 0;
  std::optional<record::Codec> codec_;
  int compression_level_ = record::kDefaultLevel;
  int64_t decompressed_bytes_max_ = 0;
};

}  // namespace sluice::broker
