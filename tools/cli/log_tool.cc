#include "tools/cli/log_tool.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace sluice::cli {

std::string ShowBytes(uint64_t bytes) {
  constexpr std::array<const char*, 4> kUnits = {"kB", "MB", "GB", "TB"};
  if (bytes < 1000) {
    return absl::StrCat(bytes, " bytes");
  }
  double value = static_cast<double>(bytes) / 1000;
  size_t unit = 0;
  while (value >= 1000 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  return absl::StrFormat("%.1f %s", value, kUnits[unit]);
}

double WorkProgress::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
}

void WorkProgress::Show(absl::string_view what, uint64_t done, uint64_t total, absl::string_view extra) {
  const double percent = total == 0 ? 100 : 100.0 * static_cast<double>(done) / static_cast<double>(total);
  progress_.Show(absl::StrFormat("%s %s: %s of %s, %.0f %%%s", verb_, what, ShowBytes(done), ShowBytes(total),
                                 percent, extra));
}

}  // namespace sluice::cli
