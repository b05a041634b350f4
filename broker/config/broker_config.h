// The broker's configuration: defaults, then a .properties file, then the environment (SLUICE_LOG_DIRS for
// log.dirs), then
// --set; the later wins. Immutable once loaded; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice::broker {

class BrokerConfig {
 public:
  // The numbers are those of DescribeConfigs' ConfigSource.
  enum class Source : int8_t { kStatic = 4, kDefault = 5 };

  struct Sources {
    std::string file;                                       // Empty: none.
    std::map<std::string, std::string> environment;         // SLUICE_* only.
    std::vector<std::pair<std::string, std::string>> sets;  // In order.
  };
  static absl::StatusOr<BrokerConfig> Load(const Sources& sources);
  static BrokerConfig Defaults();

  // The key must be in the table.
  int64_t Int(absl::string_view name) const;
  bool Bool(absl::string_view name) const;
  const std::string& String(absl::string_view name) const;
  std::vector<std::string> List(absl::string_view name) const;
  Source SourceOf(absl::string_view name) const;

 private:
  struct Value {
    std::string text;
    Source source = Source::kDefault;
  };
  std::map<std::string, Value, std::less<>> values_;
};

// One entry of `listeners`: "PLAINTEXT://127.0.0.1:9092".
struct Endpoint {
  std::string name;  // Listener name.
  std::string host;  // Empty or 0.0.0.0: every address.
  uint16_t port = 0;
};
absl::StatusOr<Endpoint> ParseEndpoint(absl::string_view text);

}  // namespace sluice::broker
