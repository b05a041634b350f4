#include "storage/log/segment_swap.h"

#include <memory>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "proto/base/status_macros.h"
#include "storage/log/batch_reader.h"
#include "storage/log/segment_name.h"

namespace sluice::storage {
namespace {

std::string PathIn(const std::string& directory, Offset base, absl::string_view suffix = "") {
  return absl::StrCat(directory, "/", SegmentFileName(base), suffix);
}

// Those renamed away come back under their names, then the promise is taken back: a crash between the two
// finds the promise, and keeps it.
absl::Status Undo(Disk& disk, const SwapFiles& files) {
  for (const Offset base : files.bases) {
    const std::string deleted = PathIn(files.directory, base, kDeletedSuffix);
    if (base != files.bases.front() && disk.Exists(deleted)) {
      RETURN_IF_ERROR(disk.Rename(deleted, PathIn(files.directory, base)));
    }
  }
  RETURN_IF_ERROR(disk.SyncDirectory(files.directory));
  RETURN_IF_ERROR(disk.Unlink(PathIn(files.directory, files.bases.front(), kSwapSuffix)));
  return disk.SyncDirectory(files.directory);
}

absl::Status Clear(Disk& disk, const SwapFiles& files) {
  for (const Offset base : files.bases) {
    if (base != files.bases.front()) {
      const std::string path = PathIn(files.directory, base);
      RETURN_IF_ERROR(disk.Rename(path, absl::StrCat(path, kDeletedSuffix)));
    }
  }
  return absl::OkStatus();
}

// Offsets [base of the file, this) are in it.
absl::StatusOr<Offset> EndOfSwap(Disk& disk, const std::string& path, Offset base) {
  ASSIGN_OR_RETURN(const std::unique_ptr<File> file, disk.Open(path, Disk::OpenMode::kReadOnly));
  ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  BatchReader reader(*file, size, BatchReader::kHeaders);
  Offset end = base;
  uint64_t position = 0;
  while (position < size) {
    ASSIGN_OR_RETURN(const std::optional<record::BatchView> header, reader.HeaderAt(position));
    if (!header || header->base_offset() < end || header->last_offset_delta() < 0) {
      return absl::DataLossError(absl::StrCat(
          path, ": byte ", position,
          ": no whole batch in a compacted file that was on the disk; nothing was ",
          "changed. Restore the file, or move it away: the segments it replaces may be there still"));
    }
    end = header->next_offset();
    position += StoredSize(*header);
  }
  return end;
}

absl::Status FinishSwap(Disk& disk, const std::string& directory, Offset base,
                        const std::vector<std::string>& names) {
  const std::string swap = PathIn(directory, base, kSwapSuffix);
  ASSIGN_OR_RETURN(const Offset end, EndOfSwap(disk, swap, base));
  for (const std::string& name : names) {
    const std::optional<Offset> other = ParseSegmentFileName(name);
    if (other && *other > base && *other < end) {
      RETURN_IF_ERROR(disk.Unlink(absl::StrCat(directory, "/", name)));
    }
  }
  RETURN_IF_ERROR(disk.SyncDirectory(directory));
  RETURN_IF_ERROR(disk.Rename(swap, PathIn(directory, base)));
  return disk.SyncDirectory(directory);
}

}  // namespace

absl::Status SwapSegments(Disk& disk, const SwapFiles& files, bool* undone) {
  const Offset base = files.bases.front();
  const std::string swap = PathIn(files.directory, base, kSwapSuffix);
  *undone = true;
  RETURN_IF_ERROR(disk.Rename(PathIn(files.directory, base, kCleanedSuffix), swap));
  *undone = false;  // A sync that failed is final, here as everywhere.
  RETURN_IF_ERROR(disk.SyncDirectory(files.directory));
  if (absl::Status cleared = Clear(disk, files); !cleared.ok()) {
    *undone = Undo(disk, files).ok();
    return cleared;
  }
  RETURN_IF_ERROR(disk.SyncDirectory(files.directory));
  if (absl::Status renamed = disk.Rename(swap, PathIn(files.directory, base)); !renamed.ok()) {
    *undone = Undo(disk, files).ok();
    return renamed;
  }
  return disk.SyncDirectory(files.directory);
}

absl::StatusOr<bool> FinishSwaps(Disk& disk, const std::string& directory,
                                 const std::vector<std::string>& names) {
  bool changed = false;
  for (const std::string& name : names) {
    absl::string_view segment = name;
    if (absl::EndsWith(name, kCleanedSuffix)) {
      RETURN_IF_ERROR(disk.Unlink(absl::StrCat(directory, "/", name)));
      changed = true;
    } else if (absl::ConsumeSuffix(&segment, kSwapSuffix)) {
      const std::optional<Offset> base = ParseSegmentFileName(segment);
      if (base) {
        RETURN_IF_ERROR(FinishSwap(disk, directory, *base, names));
        changed = true;
      }
    }
  }
  return changed;
}

}  // namespace sluice::storage
