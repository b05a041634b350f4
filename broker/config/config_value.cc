#include "broker/config/config_value.h"

#include <array>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "proto/base/status_macros.h"

namespace sluice::broker {
namespace {

struct Unit {
  absl::string_view name;
  int64_t factor;
};

constexpr std::array kByteUnits = {
    Unit{"", 1},           Unit{"b", 1},           Unit{"k", 1 << 10},   Unit{"kb", 1 << 10},
    Unit{"kib", 1 << 10},  Unit{"m", 1 << 20},     Unit{"mb", 1 << 20},  Unit{"mib", 1 << 20},
    Unit{"g", 1 << 30},    Unit{"gb", 1 << 30},    Unit{"gib", 1 << 30}, Unit{"t", 1ll << 40},
    Unit{"tb", 1ll << 40}, Unit{"tib", 1ll << 40},
};

constexpr std::array kDurationUnits = {
    Unit{"ms", 1},       Unit{"s", 1'000},      Unit{"m", 60'000},      Unit{"min", 60'000},
    Unit{"h", 3600'000}, Unit{"d", 86'400'000}, Unit{"w", 604'800'000},
};

// "-1 GiB" is {-1, "gib"}. Whole numbers only: a fraction of a byte or a millisecond is a typing error.
bool SplitNumber(absl::string_view text, int64_t* number, std::string* unit) {
  text = absl::StripAsciiWhitespace(text);
  size_t digits = absl::StartsWith(text, "-") ? 1 : 0;
  while (digits < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[digits]))) {
    ++digits;
  }
  *unit = absl::AsciiStrToLower(absl::StripAsciiWhitespace(text.substr(digits)));
  return absl::SimpleAtoi(text.substr(0, digits), number);
}

template <size_t N>
std::optional<int64_t> FactorOf(const std::array<Unit, N>& units, absl::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) {
      return unit.factor;
    }
  }
  return std::nullopt;
}

std::optional<int64_t> Times(int64_t number, int64_t factor) {
  int64_t product;
  if (__builtin_mul_overflow(number, factor, &product)) {
    return std::nullopt;
  }
  return product;
}

// What a plain number of the key counts; 0: it is not a time.
int64_t DurationUnitMs(absl::string_view key) {
  if (absl::EndsWith(key, ".ms")) {
    return 1;
  }
  if (absl::EndsWith(key, ".minutes")) {
    return 60'000;
  }
  return absl::EndsWith(key, ".hours") ? 3600'000 : 0;
}

bool CountsBytes(absl::string_view key) {
  return absl::EndsWith(key, ".bytes");
}

std::optional<int64_t> ParseNumber(const ConfigDef& def, absl::string_view value) {
  if (const int64_t unit_ms = DurationUnitMs(def.name); unit_ms != 0) {
    return ParseDurationIn(unit_ms, value);
  }
  if (CountsBytes(def.name)) {
    return ParseByteCount(value);
  }
  int64_t number;
  return absl::SimpleAtoi(value, &number) ? std::optional(number) : std::nullopt;
}

absl::string_view NumberExample(const ConfigDef& def) {
  if (DurationUnitMs(def.name) != 0) {
    return "a whole number, or one with a unit such as 500ms, 30s, 12h, 7d";
  }
  return CountsBytes(def.name) ? "a whole number of bytes, or one with a unit such as 64KiB, 100MiB, 1GiB"
                               : "a whole number";
}

absl::Status Bad(const ConfigDef& def, absl::string_view value, absl::string_view wanted) {
  return absl::InvalidArgumentError(absl::StrCat("config \"", def.name, "\": the value \"", value,
                                                 "\" is not allowed: it must be ", wanted));
}

int64_t TypeMin(ConfigType type) {
  return type == ConfigType::kShort ? std::numeric_limits<int16_t>::min()
         : type == ConfigType::kInt ? std::numeric_limits<int32_t>::min()
                                    : std::numeric_limits<int64_t>::min();
}

int64_t TypeMax(ConfigType type) {
  return type == ConfigType::kShort ? std::numeric_limits<int16_t>::max()
         : type == ConfigType::kInt ? std::numeric_limits<int32_t>::max()
                                    : std::numeric_limits<int64_t>::max();
}

absl::Status OutOfRange(const ConfigDef& def, absl::string_view value, int64_t min, int64_t max) {
  return Bad(def, value, absl::StrCat("from ", min, " to ", max, " (", def.documentation, ")"));
}

absl::Status CheckAllowed(const ConfigDef& def, absl::string_view item) {
  if (def.allowed.empty()) {
    return absl::OkStatus();
  }
  for (absl::string_view allowed : def.allowed) {
    if (item == allowed) {
      return absl::OkStatus();
    }
  }
  return Bad(def, item, absl::StrCat(absl::StrJoin(def.allowed, " or "), " (", def.documentation, ")"));
}

absl::StatusOr<std::string> NormalNumber(const ConfigDef& def, absl::string_view value) {
  const std::optional<int64_t> number = ParseNumber(def, value);
  if (!number) {
    return Bad(def, value, NumberExample(def));
  }
  const int64_t min = def.min.value_or(TypeMin(def.type));
  const int64_t max = def.max.value_or(TypeMax(def.type));
  if (*number < min || *number > max) {
    return OutOfRange(def, value, min, max);
  }
  RETURN_IF_ERROR(CheckAllowed(def, absl::StrCat(*number)));
  return absl::StrCat(*number);
}

absl::StatusOr<std::string> NormalDouble(const ConfigDef& def, absl::string_view value) {
  double number;
  if (!absl::SimpleAtod(value, &number)) {
    return Bad(def, value, "a number");
  }
  if ((def.min && number < static_cast<double>(*def.min)) ||
      (def.max && number > static_cast<double>(*def.max))) {
    return OutOfRange(def, value, def.min.value_or(0), def.max.value_or(TypeMax(def.type)));
  }
  return std::string(value);
}

absl::StatusOr<std::string> NormalBoolean(const ConfigDef& def, absl::string_view value) {
  const std::string lower = absl::AsciiStrToLower(value);
  if (lower != "true" && lower != "false") {
    return Bad(def, value, "true or false");
  }
  RETURN_IF_ERROR(CheckAllowed(def, lower));
  return lower;
}

absl::StatusOr<std::string> NormalList(const ConfigDef& def, absl::string_view value) {
  const std::vector<std::string> items = SplitConfigList(value);
  if (items.empty() && !def.default_value.empty()) {
    return Bad(def, value, "a list of at least one, separated by commas");
  }
  for (const std::string& item : items) {
    RETURN_IF_ERROR(CheckAllowed(def, item));
  }
  return absl::StrJoin(items, ",");
}

}  // namespace

std::optional<int64_t> ParseByteCount(absl::string_view text) {
  int64_t number;
  std::string unit;
  if (!SplitNumber(text, &number, &unit)) {
    return std::nullopt;
  }
  const std::optional<int64_t> factor = FactorOf(kByteUnits, unit);
  return factor ? Times(number, *factor) : std::nullopt;
}

std::optional<int64_t> ParseDurationIn(int64_t unit_ms, absl::string_view text) {
  int64_t number;
  std::string unit;
  if (!SplitNumber(text, &number, &unit)) {
    return std::nullopt;
  }
  if (unit.empty()) {
    return number;
  }
  const std::optional<int64_t> factor = FactorOf(kDurationUnits, unit);
  const std::optional<int64_t> ms = factor ? Times(number, *factor) : std::nullopt;
  if (!ms || *ms % unit_ms != 0) {
    return std::nullopt;
  }
  return *ms / unit_ms;
}

std::vector<std::string> SplitConfigList(absl::string_view value) {
  std::vector<std::string> items;
  for (absl::string_view item : absl::StrSplit(value, ',')) {
    item = absl::StripAsciiWhitespace(item);
    if (!item.empty()) {
      items.emplace_back(item);
    }
  }
  return items;
}

absl::StatusOr<std::string> NormalConfigValue(const ConfigDef& def, absl::string_view value) {
  value = absl::StripAsciiWhitespace(value);
  if (value.empty() && def.default_value.empty()) {
    return std::string();
  }
  switch (def.type) {
    case ConfigType::kBoolean:
      return NormalBoolean(def, value);
    case ConfigType::kInt:
    case ConfigType::kShort:
    case ConfigType::kLong:
      return NormalNumber(def, value);
    case ConfigType::kDouble:
      return NormalDouble(def, value);
    case ConfigType::kList:
      return NormalList(def, value);
    case ConfigType::kString:
    case ConfigType::kClass:
    case ConfigType::kPassword:
      break;
  }
  RETURN_IF_ERROR(CheckAllowed(def, value));
  return std::string(value);
}

absl::Status CheckConfigValue(const ConfigDef& def, absl::string_view value) {
  return NormalConfigValue(def, value).status();
}

}  // namespace sluice::broker
