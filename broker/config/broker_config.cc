#include "broker/config/broker_config.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "broker/config/config_def.h"
#include "broker/config/config_value.h"
#include "broker/config/environment.h"
#include "broker/config/foreign_keys.h"
#include "broker/config/listener_rules.h"
#include "broker/config/properties.h"
#include "proto/base/check.h"
#include "proto/base/status_macros.h"

namespace sluice::broker {
namespace {

// Kafka spells some settings in several ways: `name` takes the value of the first of these that was set.
struct Spelling {
  absl::string_view name;
  absl::string_view other;
  int64_t factor;  // 0: not a number.
};
constexpr Spelling kSpellings[] = {
    {"node.id", "broker.id", 1},
    {"log.dirs", "log.dir", 0},
    {"log.retention.ms", "log.retention.minutes", 60'000},
    {"log.retention.ms", "log.retention.hours", 3600'000},
    {"log.roll.ms", "log.roll.hours", 3600'000},
    {"log.roll.jitter.ms", "log.roll.jitter.hours", 3600'000},
};

absl::StatusOr<std::string> ReadWholeFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file.is_open() || file.bad()) {
    return absl::NotFoundError(absl::StrCat("cannot read the configuration file ", path,
                                            ": check that it is there and may be read"));
  }
  return text.str();
}

}  // namespace

// Takes the sources one after the other; the later overwrite the earlier.
class BrokerConfigLoader {
 public:
  BrokerConfigLoader() {
    for (const ConfigDef& def : BrokerConfigDefs()) {
      config_.values_[std::string(def.name)] = {.text = std::string(def.default_value)};
    }
  }

  absl::Status SetFromFile(const std::string& path) {
    ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(path));
    ASSIGN_OR_RETURN(const std::vector<Property> properties, ParseProperties(path, text));
    for (const Property& property : properties) {
      RETURN_IF_ERROR(Set(absl::StrCat(path, ":", property.line), property.key, property.value));
    }
    return absl::OkStatus();
  }

  absl::Status SetFromEnvironment(const std::map<std::string, std::string>& environment) {
    for (const auto& [variable, value] : environment) {
      RETURN_IF_ERROR(
          Set(absl::StrCat("environment variable ", variable), ConfigNameOfVariable(variable), value));
    }
    return absl::OkStatus();
  }

  absl::Status SetFromFlags(const std::vector<std::pair<std::string, std::string>>& sets) {
    for (const auto& [name, value] : sets) {
      RETURN_IF_ERROR(Set(absl::StrCat("--set ", name, "=", value), name, value));
    }
    return absl::OkStatus();
  }

  BrokerConfig Finish() {
    for (const Spelling& spelling : kSpellings) {
      Apply(spelling);
    }
    return std::move(config_);
  }

 private:
  absl::Status Set(absl::string_view where, absl::string_view name, absl::string_view value) {
    const ConfigDef* def = FindBrokerConfig(name);
    if (def == nullptr) {
      return SetForeign(where, name);
    }
    absl::StatusOr<std::string> normal = NormalConfigValue(*def, value);
    if (!normal.ok()) {
      return WithContext(normal.status(), where);
    }
    config_.values_[std::string(name)] = {.text = *std::move(normal),
                                          .source = BrokerConfig::Source::kStatic};
    return absl::OkStatus();
  }

  absl::Status SetForeign(absl::string_view where, absl::string_view name) {
    switch (ClassifyForeignKey(name)) {
      case ForeignKey::kIgnored:
        if (std::find(config_.ignored_.begin(), config_.ignored_.end(), name) == config_.ignored_.end()) {
          config_.ignored_.emplace_back(name);
        }
        return absl::OkStatus();
      case ForeignKey::kRefused:
        return absl::InvalidArgumentError(
            absl::StrCat(where, ": \"", name,
                         "\" asks for authentication, encryption or authorization, which "
                         "is not supported yet: remove the key if the broker may run without"));
      case ForeignKey::kUnknown:
        break;
    }
    return WithContext(UnknownConfig(name, BrokerConfigDefs()), where);
  }

  void Apply(const Spelling& spelling) {
    BrokerConfig::Value& value = config_.values_.find(spelling.name)->second;
    const BrokerConfig::Value& other = config_.values_.find(spelling.other)->second;
    const bool is_set = other.source == BrokerConfig::Source::kStatic && !other.text.empty();
    if (value.source == BrokerConfig::Source::kStatic || !is_set) {
      return;
    }
    value = other;
    value.spelled_as = spelling.other;
    if (spelling.factor > 1) {
      int64_t number = 0;
      CHECK(absl::SimpleAtoi(other.text, &number));
      // -1 means "no limit" in every unit.
      value.text = absl::StrCat(number < 0 ? number : number * spelling.factor);
    }
  }

  BrokerConfig config_;
};

absl::StatusOr<BrokerConfig> BrokerConfig::Load(const Sources& sources) {
  BrokerConfigLoader loader;
  if (!sources.file.empty()) {
    RETURN_IF_ERROR(loader.SetFromFile(sources.file));
  }
  RETURN_IF_ERROR(loader.SetFromEnvironment(sources.environment));
  RETURN_IF_ERROR(loader.SetFromFlags(sources.sets));
  BrokerConfig config = loader.Finish();
  RETURN_IF_ERROR(CheckListeners(config));
  return config;
}

BrokerConfig BrokerConfig::Defaults() {
  return BrokerConfigLoader().Finish();
}

BrokerConfig BrokerConfig::With(const std::map<std::string, std::string>& values, Source source) const {
  BrokerConfig changed = *this;
  for (const auto& [name, text] : values) {
    changed.values_[name] = {.text = text, .source = source};
  }
  return changed;
}

const BrokerConfig::Value& BrokerConfig::At(absl::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) {
    CheckFailed(__FILE__, __LINE__, "the key is in the table", name);
  }
  return found->second;
}

int64_t BrokerConfig::Int(absl::string_view name) const {
  int64_t number = 0;
  if (!absl::SimpleAtoi(At(name).text, &number)) {
    CheckFailed(__FILE__, __LINE__, "the key has a number", name);
  }
  return number;
}

std::vector<std::pair<absl::string_view, std::string>> BrokerConfig::Given(absl::string_view name) const {
  std::vector<std::pair<absl::string_view, std::string>> given;
  const auto add = [&](absl::string_view spelled) {
    const Value& value = At(spelled);
    if (value.source == Source::kStatic && value.spelled_as.empty()) {
      given.emplace_back(spelled, value.text);
    }
  };
  add(name);
  for (const Spelling& spelling : kSpellings) {
    if (spelling.name == name) {
      add(spelling.other);
    }
  }
  return given;
}

double BrokerConfig::Double(absl::string_view name) const {
  double number = 0;
  if (!absl::SimpleAtod(At(name).text, &number)) {
    CheckFailed(__FILE__, __LINE__, "the key has a number", name);
  }
  return number;
}

bool BrokerConfig::Bool(absl::string_view name) const {
  return At(name).text == "true";
}

const std::string& BrokerConfig::String(absl::string_view name) const {
  return At(name).text;
}

std::vector<std::string> BrokerConfig::List(absl::string_view name) const {
  return SplitConfigList(At(name).text);
}

BrokerConfig::Source BrokerConfig::SourceOf(absl::string_view name) const {
  return At(name).source;
}

}  // namespace sluice::broker
