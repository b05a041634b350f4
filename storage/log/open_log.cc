#include "storage/log/open_log.h"

#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "storage/log/damage.h"
#include "storage/log/segment_name.h"

namespace sluice::storage {
namespace {

bool InJournal(const StartAfter& after) {
  return !after.clean && after.journal != nullptr && !after.journal->empty();
}

// What the broker that died had appended may be in the page cache and in the journal only, and the journal is
// written over from here on.
absl::Status SyncReplayed(Disk& disk, const std::string& directory, const std::vector<FoundEntry>& entries) {
  std::set<Offset> bases;
  for (const FoundEntry& found : entries) {
    bases.insert(found.entry.segment_base);
  }
  for (const Offset base : bases) {
    const std::string path = absl::StrCat(directory, "/", SegmentFileName(base));
    if (!disk.Exists(path)) {
      continue;  // Retention dropped it.
    }
    ASSIGN_OR_RETURN(const std::unique_ptr<File> file, disk.Open(path, Disk::OpenMode::kReadWrite));
    RETURN_IF_ERROR(file->Sync());
  }
  return absl::OkStatus();
}

// Before the journal forgets it, what it holds of this log must be in the segments.
absl::Status SaveFromJournal(const LogContext& context, const std::string& directory, const StartAfter& after,
                             const std::optional<Damage>& damage, const absl::Status& refusal) {
  if (!InJournal(after)) {
    return absl::OkStatus();
  }
  if (!damage || !damage->durable) {
    return absl::UnavailableError(absl::StrCat(
        refusal.message(), "; the journal holds acknowledged records of this log that could not be put back ",
        "into it, so nothing of the log dir is opened. Restore the log, or move its directory away to give "
        "it ",
        "up"));
  }
  if (const absl::Status synced = SyncReplayed(context.disk, directory, *after.journal); !synced.ok()) {
    return absl::UnavailableError(absl::StrCat(refusal.message(), "; ", synced.message()));
  }
  return absl::OkStatus();
}

}  // namespace

// What was found damaged is refused in the same words until it is repaired: nobody walks it again, and no
// later start, with less to go by, takes it for whole.
absl::StatusOr<std::shared_ptr<PartitionLog>> OpenLog(const LogContext& context, const std::string& directory,
                                                      const LogId& id, const StartAfter& after) {
  ASSIGN_OR_RETURN(const std::optional<Damage> known, ReadDamage(context.disk, directory));
  if (known) {
    return DamageError(*known, directory);
  }
  auto log = PartitionLog::Open(context, directory, id, after);
  if (!absl::IsDataLoss(log.status())) {
    return log;
  }
  const std::optional<Damage> found = DamageOf(log.status());
  RETURN_IF_ERROR(SaveFromJournal(context, directory, after, found, log.status()));
  if (!found) {
    return absl::DataLossError(absl::StrCat(
        "log ", directory, " is offline, because it could not be opened: ", log.status().message()));
  }
  if (const absl::Status noted = WriteDamage(context.disk, directory, *found); !noted.ok()) {
    return absl::UnavailableError(
        absl::StrCat(log.status().message(), "; and it could not be noted: ", noted.message()));
  }
  return log;
}

}  // namespace sluice::storage
