#include "storage/log/log_dir_journal.h"

#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "proto/base/random.h"
#include "proto/base/status_macros.h"
#include "storage/journal/journal_id.h"

namespace sluice::storage {
namespace {

// Stands in the index like a log's checkpoint, under an id that no topic has; its state is the journal's id.
const LogId kJournalKey{Uuid(), PartitionId(0)};

std::string LocationFile(const LogDirJournal& dir) {
  return absl::StrCat(dir.options.path, "/journal.location");
}

std::string DefaultDirectory(const LogDirJournal& dir) {
  return absl::StrCat(dir.options.path, "/journal");
}

// Several log dirs may share the device, never the ring: one that fails must not take the other with it.
std::string WantedDirectory(const LogDirJournal& dir) {
  return dir.options.journal.directory.empty()
             ? DefaultDirectory(dir)
             : absl::StrCat(dir.options.journal.directory, "/", dir.directory_id.ToString());
}

absl::StatusOr<std::string> LastDirectory(const LogDirJournal& dir) {
  if (!dir.disk.Exists(LocationFile(dir))) {
    return DefaultDirectory(dir);
  }
  ASSIGN_OR_RETURN(const std::string text, dir.disk.ReadFile(LocationFile(dir)));
  return std::string(absl::StripAsciiWhitespace(text));
}

absl::Status SetLocation(const LogDirJournal& dir, const std::string& directory) {
  if (directory != DefaultDirectory(dir)) {
    return dir.disk.ReplaceFile(LocationFile(dir), absl::StrCat(directory, "\n"));
  }
  if (!dir.disk.Exists(LocationFile(dir))) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(dir.disk.Unlink(LocationFile(dir)));
  return dir.disk.SyncDirectory(dir.options.path);
}

// Of what a crash leaves of it nothing must look like a journal: first the file goes that makes it one.
absl::Status RemoveJournal(Disk& disk, const std::string& directory) {
  if (const std::string path = JournalIdPath(directory); disk.Exists(path)) {
    RETURN_IF_ERROR(disk.Unlink(path));
    RETURN_IF_ERROR(disk.SyncDirectory(directory));
  }
  return disk.RemoveTree(directory);
}

}  // namespace

absl::StatusOr<LastJournal> ReadLastJournal(const LogDirJournal& dir, bool clean) {
  LastJournal last;
  ASSIGN_OR_RETURN(last.directory, LastDirectory(dir));
  last.kept = dir.disk.Exists(last.directory);
  if (!last.kept && dir.disk.Exists(LocationFile(dir)) && !clean) {
    return absl::DataLossError(absl::StrCat("log dir ", dir.options.path, ": its journal ", last.directory,
                                            " is missing, and acknowledged records may be in it and nowhere "
                                            "else; mount or restore it, or remove ",
                                            LocationFile(dir), " to go on with what the segments hold"));
  }
  if (clean || !last.kept) {
    return last;
  }
  ASSIGN_OR_RETURN(last.scan, ScanJournal(dir.disk, last.directory));
  ASSIGN_OR_RETURN(const std::optional<Checkpoint> behind, dir.index.ReadCheckpoint(kJournalKey));
  const bool known = behind && behind->state == last.scan.journal_id.ToString();
  const uint64_t needed_from = known ? static_cast<uint64_t>(behind->next_offset.value()) : 0;
  if (needed_from > last.scan.last_sequence + 1) {
    return absl::DataLossError(absl::StrCat(
        "log dir ", dir.options.path, ": its journal ", last.directory, " ends with block ",
        last.scan.last_sequence, ", and the index knows of block ", needed_from - 1,
        ": acknowledged records may have been in those that are gone. Restore the journal's files, "
        "or, to go on with what the segments hold, move the journal's directory away"));
  }
  last.index_is_current = known && needed_from >= last.scan.needed_from;
  return last;
}

absl::StatusOr<std::unique_ptr<JournalRing>> BeginJournal(const LogDirJournal& dir, const LastJournal& last) {
  const std::string directory = WantedDirectory(dir);
  const bool wanted = dir.options.journal.enabled;
  const bool leaves = last.kept && (!wanted || last.directory != directory);
  if (!wanted) {
    RETURN_IF_ERROR(SetLocation(dir, DefaultDirectory(dir)));
    RETURN_IF_ERROR(leaves ? RemoveJournal(dir.disk, last.directory) : absl::OkStatus());
    return nullptr;
  }
  Random random = Random::FromSystem();
  const JournalRing::Options options{.directory = directory,
                                     .bytes = static_cast<uint64_t>(dir.options.journal.bytes),
                                     .journal_id = Uuid::Generate(random)};
  RETURN_IF_ERROR(NoteJournalBehind(dir.index, options.journal_id, 0));
  ASSIGN_OR_RETURN(std::unique_ptr<JournalRing> ring, JournalRing::Open(dir.disk, options));
  RETURN_IF_ERROR(SetLocation(dir, directory));
  RETURN_IF_ERROR(leaves ? RemoveJournal(dir.disk, last.directory) : absl::OkStatus());
  return ring;
}

absl::Status NoteJournalBehind(OffsetIndex& index, const Uuid& journal_id, uint64_t through) {
  IndexUpdate update;
  update.checkpoint =
      Checkpoint{.next_offset = Offset(static_cast<int64_t>(through + 1)), .state = journal_id.ToString()};
  RETURN_IF_ERROR(index.Write(kJournalKey, update));
  return index.Sync();
}

}  // namespace sluice::storage
