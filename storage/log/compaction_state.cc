#include "storage/log/compaction_state.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "proto/base/status_macros.h"
#include "storage/log/segment_name.h"

namespace sluice::storage {
namespace {

constexpr int kVersion = 1;

bool TakeNumber(absl::string_view line, absl::string_view name, int64_t* number) {
  return absl::ConsumePrefix(&line, name) && absl::ConsumePrefix(&line, "=") &&
         absl::SimpleAtoi(line, number) && *number >= 0;
}

std::string PathIn(const std::string& directory) {
  return absl::StrCat(directory, "/", kCompactionStateName);
}

absl::Status Unreadable(const std::string& path) {
  return absl::DataLossError(
      absl::StrCat(path,
                   ": does not say which part of the log was compacted; nothing was changed. Restore "
                   "the file from a backup, or move the partition's directory away to go on without it"));
}

}  // namespace

absl::StatusOr<CompactionState> ReadCompactionState(Disk& disk, const std::string& directory) {
  const std::string path = PathIn(directory);
  if (!disk.Exists(path)) {
    return CompactionState{Offset(0), Offset(0)};
  }
  ASSIGN_OR_RETURN(const std::string text, disk.ReadFile(path));
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  int64_t version;
  if (!TakeNumber(lines[0], "version", &version)) {
    return Unreadable(path);
  }
  if (version > kVersion) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": of version ", version,
                                                      "; this Sluice knows versions up to ", kVersion,
                                                      ": start the version that wrote it, or a newer one"));
  }
  int64_t gaps_below;
  int64_t first_dirty;
  if (lines.size() != 4 || !TakeNumber(lines[1], "gaps.below", &gaps_below) ||
      !TakeNumber(lines[2], "first.dirty", &first_dirty) || !lines[3].empty()) {
    return Unreadable(path);
  }
  return CompactionState{Offset(gaps_below), Offset(first_dirty)};
}

absl::Status WriteCompactionState(Disk& disk, const std::string& directory, const CompactionState& state) {
  return disk.ReplaceFile(PathIn(directory),
                          absl::StrCat("version=", kVersion, "\ngaps.below=", state.gaps_below.value(),
                                       "\nfirst.dirty=", state.first_dirty.value(), "\n"));
}

}  // namespace sluice::storage
