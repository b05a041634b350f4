#include "tests/crash/history.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace sluice::crash {

std::string Value::Text() const {
  return absl::StrCat(producer, ":", sequence, ":");
}

bool Value::Parse(absl::string_view text, Value* value) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits(':', 2));
  return parts.size() == 3 && absl::SimpleAtoi(parts[0], &value->producer) &&
         absl::SimpleAtoi(parts[1], &value->sequence) && value->producer >= 0 && value->sequence >= 0;
}

}  // namespace sluice::crash
