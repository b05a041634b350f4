// "Did you mean ...?"
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"

namespace sluice {

// Letters to insert, drop or change to make one of the other.
size_t EditDistance(absl::string_view a, absl::string_view b);

// The candidate with the fewest such letters, unless `name` shares less than two thirds of its own with all.
std::optional<absl::string_view> NearestName(absl::string_view name,
                                             const std::vector<absl::string_view>& candidates);

}  // namespace sluice
