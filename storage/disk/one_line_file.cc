#include "storage/disk/one_line_file.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "proto/base/status_macros.h"

namespace sluice::storage {
namespace {

constexpr absl::string_view kVersionLine = "version=1";

}  // namespace

absl::Status WriteOneLineFile(Disk& disk, const std::string& path, absl::string_view line) {
  return disk.ReplaceFile(path, absl::StrCat(kVersionLine, "\n", line, "\n"));
}

absl::StatusOr<std::optional<std::string>> ReadOneLineFile(Disk& disk, const std::string& path) {
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
  return lines.size() > 1 ? std::string(lines[1]) : std::string();
}

}  // namespace sluice::storage
