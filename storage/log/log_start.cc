#include "storage/log/log_start.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "storage/disk/one_line_file.h"

namespace sluice::storage {
namespace {

std::string PathIn(const std::string& directory) {
  return absl::StrCat(directory, "/log-start");
}

}  // namespace

absl::Status WriteLogStart(Disk& disk, const std::string& directory, Offset start) {
  return WriteOneLineFile(disk, PathIn(directory), absl::StrCat(start.value()));
}

absl::StatusOr<std::optional<Offset>> ReadLogStart(Disk& disk, const std::string& directory) {
  const std::string path = PathIn(directory);
  ASSIGN_OR_RETURN(const std::optional<std::string> line, ReadOneLineFile(disk, path));
  if (!line) {
    return std::nullopt;
  }
  int64_t start;
  if (!absl::SimpleAtoi(*line, &start) || start < 0) {
    return absl::DataLossError(absl::StrCat(path,
                                            ": its second line is no offset; write the first offset to "
                                            "show there, or remove the file to show all that the log holds"));
  }
  return Offset(start);
}

}  // namespace sluice::storage
