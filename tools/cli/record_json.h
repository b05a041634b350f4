// A record as one line of JSON, out of `consume --json` and into `produce --json`, nothing lost on the way:
//
//   {"topic":"t","partition":0,"offset":7,"timestamp":1700000000000,"key":"k","value":"v","headers":[{"key":"h","value":"x"}]}
//
// Absent keys and values are null. Bytes that are no UTF-8 go as base64 under another name: "key_base64",
// "value_base64". On the way in, topic and offset are ignored; everything may be left out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sluice/record.h"

namespace sluice::cli {

void AppendJson(std::string* out, const RecordView& record);

struct ParsedRecord {
  std::optional<int32_t> partition;
  std::optional<int64_t> timestamp_ms;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
};
// InvalidArgument says what is wrong with the line.
absl::StatusOr<ParsedRecord> ParseJson(absl::string_view line);

}  // namespace sluice::cli
