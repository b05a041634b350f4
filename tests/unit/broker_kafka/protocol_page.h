// docs/protocol.md as a list: what the broker promises to serve, in a file that people read and review, and
// so independent of the table that is looked up while it runs.
#pragma once

#include <cstdint>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace sluice {

inline constexpr char kProtocolPage[] = SLUICE_SOURCE_DIR "/docs/protocol.md";

inline std::string ReadProtocolPage() {
  std::ifstream file(kProtocolPage);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

using VersionRange = std::pair<int16_t, int16_t>;
using ServedVersions = std::map<int16_t, VersionRange>;  // By API key.

// The rows of the page that say something is served: "0-13", or "0" alone.
inline ServedVersions ServedByThePage() {
  ServedVersions served;
  for (const absl::string_view line : absl::StrSplit(ReadProtocolPage(), '\n')) {
    const std::vector<absl::string_view> cells = absl::StrSplit(line, '|');
    int32_t key = 0;
    if (cells.size() != 7 || !absl::SimpleAtoi(cells[1], &key)) {
      continue;
    }
    const std::vector<absl::string_view> versions = absl::StrSplit(cells[3], '-');
    int32_t min = 0;
    int32_t max = 0;
    if (absl::SimpleAtoi(versions.front(), &min) && absl::SimpleAtoi(versions.back(), &max)) {
      served[static_cast<int16_t>(key)] = {static_cast<int16_t>(min), static_cast<int16_t>(max)};
    }
  }
  return served;
}

}  // namespace sluice
