#include "proto/base/nearest_name.h"

#include <algorithm>

namespace sluice {

size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) {
    row[j] = j;
  }
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::optional<absl::string_view> NearestName(absl::string_view name,
                                             const std::vector<absl::string_view>& candidates) {
  std::optional<absl::string_view> nearest;
  size_t distance = name.size() / 3 + 1;
  for (absl::string_view candidate : candidates) {
    const size_t this_distance = EditDistance(name, candidate);
    if (this_distance < distance) {
      distance = this_distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace sluice
