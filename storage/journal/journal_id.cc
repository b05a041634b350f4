#include "storage/journal/journal_id.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "proto/base/status_macros.h"

namespace sluice::storage {
namespace {

constexpr absl::string_view kVersionLine = "version=1";
constexpr absl::string_view kIdKey = "journal.id=";

}  // namespace

std::string JournalIdPath(const std::string& directory) {
  return absl::StrCat(directory, "/journal.properties");
}

absl::Status WriteJournalId(Disk& disk, const std::string& directory, const Uuid& id) {
  return disk.ReplaceFile(JournalIdPath(directory),
                          absl::StrCat(kVersionLine, "\n", kIdKey, id.ToString(), "\n"));
}

absl::StatusOr<std::optional<Uuid>> ReadJournalId(Disk& disk, const std::string& directory) {
  const std::string path = JournalIdPath(directory);
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
  absl::string_view value = lines.size() > 1 ? lines[1] : "";
  const absl::StatusOr<Uuid> id =
      absl::ConsumePrefix(&value, kIdKey) ? Uuid::Parse(value) : absl::NotFoundError("");
  if (!id.ok()) {
    return absl::DataLossError(
        absl::StrCat(path, ": no valid line ", kIdKey,
                     "ID; restore the file, or move the journal's directory away to go "
                     "on with what the segments hold"));
  }
  return *id;
}

}  // namespace sluice::storage
