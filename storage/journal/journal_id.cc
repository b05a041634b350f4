#include "storage/journal/journal_id.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "proto/base/status_macros.h"
#include "storage/disk/one_line_file.h"

namespace sluice::storage {
namespace {

constexpr absl::string_view kIdKey = "journal.id=";

}  // namespace

std::string JournalIdPath(const std::string& directory) {
  return absl::StrCat(directory, "/journal.properties");
}

absl::Status WriteJournalId(Disk& disk, const std::string& directory, const Uuid& id) {
  return WriteOneLineFile(disk, JournalIdPath(directory), absl::StrCat(kIdKey, id.ToString()));
}

absl::StatusOr<std::optional<Uuid>> ReadJournalId(Disk& disk, const std::string& directory) {
  const std::string path = JournalIdPath(directory);
  ASSIGN_OR_RETURN(const std::optional<std::string> line, ReadOneLineFile(disk, path));
  if (!line) {
    return std::nullopt;
  }
  absl::string_view value = *line;
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
