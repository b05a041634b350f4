// The broker's configuration: defaults, then a .properties file, then the environment (SLUICE_LOG_DIRS for
// log.dirs), then --set; the later wins. Immutable once loaded, what is set later makes a copy; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice::broker {

class BrokerConfig {
 public:
  // The numbers are those of DescribeConfigs' ConfigSource.
  enum class Source : int8_t { kDynamic = 2, kDynamicDefault = 3, kStatic = 4, kDefault = 5 };

  struct Sources {
    std::string file = {};                                       // Empty: none.
    std::map<std::string, std::string> environment = {};         // SLUICE_* only.
    std::vector<std::pair<std::string, std::string>> sets = {};  // In order.
  };
  // In the environment `_` stands for `.`, `__` for `_`, `___` for `-`, and the prefix "sluice." of our own
  // keys may be left out: SLUICE_GRPC_LISTENER. Errors are absl::InvalidArgument and say where the value came
  // from; absl::NotFound when the file cannot be read.
  static absl::StatusOr<BrokerConfig> Load(const Sources& sources);
  static BrokerConfig Defaults();

  // The key must be in the table (config_keys.cc), and for Int and Bool of such a type. Numbers are in the
  // unit of the key's name, whatever unit they were given in.
  int64_t Int(absl::string_view name) const;
  double Double(absl::string_view name) const;
  bool Bool(absl::string_view name) const;
  const std::string& String(absl::string_view name) const;
  std::vector<std::string> List(absl::string_view name) const;
  Source SourceOf(absl::string_view name) const;
  // How the key was set, strongest first, by its own name and by those that stand for it in other units: none
  // when it has its default. The views are of `name` and of the table.
  std::vector<std::pair<absl::string_view, std::string>> Given(absl::string_view name) const;

  // A copy with `values` over it, which must be in their one spelling (NormalConfigValue).
  BrokerConfig With(const std::map<std::string, std::string>& values, Source source) const;

  // Keys of Kafka's that were given and mean nothing to a broker that stands alone: for one warning.
  const std::vector<std::string>& ignored() const { return ignored_; }

 private:
  friend class BrokerConfigLoader;
  struct Value {
    std::string text;
    Source source = Source::kDefault;
    absl::string_view spelled_as = {};  // The other key that the value came from; empty: this one.
  };
  const Value& At(absl::string_view name) const;

  std::map<std::string, Value, std::less<>> values_;  // Every key of the table.
  std::vector<std::string> ignored_;
};

// One entry of `listeners`: "PLAINTEXT://127.0.0.1:9092".
struct Endpoint {
  std::string name;  // Listener name.
  std::string host;  // Empty or 0.0.0.0: every address. IPv6 without its brackets.
  uint16_t port = 0;

  // Only this machine can connect to it.
  bool IsLoopback() const;
};
absl::StatusOr<Endpoint> ParseEndpoint(absl::string_view text);
// "127.0.0.1:9095", "[::1]:9095": an endpoint without a name.
absl::StatusOr<Endpoint> ParseHostPort(absl::string_view text);

// `listeners` without those of controllers; Load() has checked them.
std::vector<Endpoint> ListenersOf(const BrokerConfig& config);
// `advertised.listeners`; empty: advertise what each client connected to.
std::vector<Endpoint> AdvertisedListenersOf(const BrokerConfig& config);

}  // namespace sluice::broker
