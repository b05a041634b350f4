// One value of one key: numbers with or without units, booleans, lists, made into the one spelling that is
// kept, shown and parsed afterwards: "7d" of a key in milliseconds is "604800000".
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "broker/config/config_def.h"

namespace sluice::broker {

// The value in its one spelling. absl::InvalidArgument as CheckConfigValue gives it.
absl::StatusOr<std::string> NormalConfigValue(const ConfigDef& def, absl::string_view value);

// The items of a list value, without surrounding space and without empty ones.
std::vector<std::string> SplitConfigList(absl::string_view value);

// "1GiB", "64k", "10" as bytes; "7d", "1h30m" is not: one number, one unit. Empty when it is neither.
// Units: B, k/KB/KiB, M/MB/MiB, G/GB/GiB, T/TB/TiB, all by 1024, as Kafka's own sizes are.
std::optional<int64_t> ParseByteCount(absl::string_view text);
// Units: ms, s, m/min, h, d, w; a number alone counts `unit_ms` each. The result counts `unit_ms` too, and is
// empty when the text is no whole number of them.
std::optional<int64_t> ParseDurationIn(int64_t unit_ms, absl::string_view text);

}  // namespace sluice::broker
