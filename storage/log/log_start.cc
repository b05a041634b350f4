#include "storage/log/log_start.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "proto/base/status_macros.h"

namespace sluice::storage {
namespace {

constexpr absl::string_view kVersionLine = "version=1";

std::string PathIn(const std::string& directory) {
  return absl::StrCat(directory, "/log-start");
}

}  // namespace

absl::Status WriteLogStart(Disk& disk, const std::string& directory, Offset start) {
  return disk.ReplaceFile(PathIn(directory), absl::StrCat(kVersionLine, "\n", start.value(), "\n"));
}

absl::StatusOr<std::optional<Offset>> ReadLogStart(Disk& disk, const std::string& directory) {
  const std::string path = PathIn(directory);
  if (!disk.Exists(path)) {
    return std::nullopt;
  }
  ASSIGN_OR_RETURN(const std::string text, disk.ReadFile(path));
  const std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  if (lines[0] != kVersionLine) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": its first line is \"", lines[0],
                                                      "\", and this version knows \"", kVersionLine,
                                                      "\"; start the version that wrote it"));
  }
  int64_t start;
  if (lines.size() < 2 || !absl::SimpleAtoi(lines[1], &start) || start < 0) {
    return absl::DataLossError(absl::StrCat(path,
                                            ": its second line is no offset; write the first offset to "
                                            "show there, or remove the file to show all that the log holds"));
  }
  return Offset(start);
}

}  // namespace sluice::storage
