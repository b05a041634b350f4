// Reads the .properties format, as Java does: `key=value`, `key: value` or `key value` a line, # or ! for
// comments, a backslash at the end to go on in the next line, \t \n \r \f \uXXXX and \<any> for that letter.
// Unlike Java it refuses a key that is given twice.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice::broker {

struct Property {
  std::string key = {};
  std::string value = {};
  int line = 0;  // The first line of it, counted from 1.
};

// In the order of the text. Errors are absl::InvalidArgument, naming `file` and line.
absl::StatusOr<std::vector<Property>> ParseProperties(absl::string_view file, absl::string_view text);

}  // namespace sluice::broker
