#include "storage/log/segment_name.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace sluice::storage {
namespace {

constexpr absl::string_view kSuffix = ".log";
constexpr size_t kDigits = 20;

}  // namespace

std::string SegmentFileName(Offset base) {
  return absl::StrCat(absl::Dec(base.value(), absl::kZeroPad20), kSuffix);
}

std::optional<Offset> ParseSegmentFileName(absl::string_view name) {
  if (name.size() != kDigits + kSuffix.size() || !absl::EndsWith(name, kSuffix)) {
    return std::nullopt;
  }
  const absl::string_view digits = name.substr(0, kDigits);
  int64_t base;
  if (!std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit) || !absl::SimpleAtoi(digits, &base)) {
    return std::nullopt;
  }
  return Offset(base);
}

}  // namespace sluice::storage
