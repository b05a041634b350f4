#include "storage/tools/log_files.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "proto/base/status_macros.h"
#include "storage/journal/scan.h"
#include "storage/log/compaction_state.h"
#include "storage/log/meta_properties.h"
#include "storage/log/segment_name.h"

namespace sluice::storage {
namespace {

namespace fs = std::filesystem;

constexpr absl::string_view kMetaProperties = "meta.properties";
constexpr absl::string_view kPartitionMetadata = "partition.metadata";

std::optional<PartitionId> PartitionOf(absl::string_view name) {
  const size_t dash = name.rfind('-');
  int32_t partition;
  if (dash == absl::string_view::npos || dash == 0 || !absl::SimpleAtoi(name.substr(dash + 1), &partition) ||
      partition < 0) {
    return std::nullopt;
  }
  return PartitionId(partition);
}

bool HoldsSegments(Disk& disk, const std::string& directory) {
  const absl::StatusOr<std::vector<std::string>> names = disk.List(directory);
  for (const std::string& name : names.value_or(std::vector<std::string>())) {
    if (ParseSegmentFileName(name) || name == kPartitionMetadata) {
      return true;
    }
  }
  return false;
}

std::string WithoutSlash(std::string path) {
  while (path.size() > 1 && path.back() == '/') {
    path.pop_back();
  }
  return path;
}

std::string ParentOf(const std::string& path) {
  std::error_code error;
  return fs::absolute(path, error).lexically_normal().parent_path().string();
}

// Segments whose original was renamed away and whose copy, which was whole by then, did not take its place.
void FindInterrupted(const std::vector<std::string>& names, PartitionFiles* partition) {
  const auto exists = [&names](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const std::string& name : names) {
    absl::string_view segment = name;
    if (absl::ConsumeSuffix(&segment, kRepairedSuffix) && ParseSegmentFileName(segment) &&
        !exists(std::string(segment)) && exists(absl::StrCat(segment, kOriginalSuffix))) {
      partition->interrupted.emplace_back(segment);
    }
  }
}

}  // namespace

std::string PartitionFiles::PathOf(absl::string_view file) const {
  return absl::StrCat(directory, "/", file);
}

std::string PartitionFiles::SegmentPath(Offset base) const {
  return PathOf(SegmentFileName(base));
}

absl::StatusOr<LogFiles> LogFiles::Open(Disk& disk, const std::string& given, For purpose) {
  const std::string path = WithoutSlash(given);
  LogFiles files;
  std::error_code error;
  if (!fs::exists(path, error)) {
    return absl::NotFoundError(absl::StrCat(path, ": no such file or directory"));
  }
  if (!fs::is_directory(path, error)) {
    const std::optional<Offset> base = ParseSegmentFileName(fs::path(path).filename().string());
    if (!base) {
      return absl::NotFoundError(
          absl::StrCat(path, ": not a segment file: their names are twenty digits and .log"));
    }
    const std::string directory = ParentOf(path);
    RETURN_IF_ERROR(files.TakeLogDir(disk, ParentOf(directory), purpose));
    RETURN_IF_ERROR(files.AddPartition(disk, directory));
    files.only_segment_ = base;
    return files;
  }
  if (disk.Exists(absl::StrCat(path, "/", kMetaProperties))) {
    RETURN_IF_ERROR(files.TakeLogDir(disk, path, purpose));
    ASSIGN_OR_RETURN(const std::vector<std::string> names, disk.List(path));
    for (const std::string& name : names) {
      const std::string directory = absl::StrCat(path, "/", name);
      if (PartitionOf(name) && HoldsSegments(disk, directory)) {
        RETURN_IF_ERROR(files.AddPartition(disk, directory));
      }
    }
    return files;
  }
  if (!HoldsSegments(disk, path)) {
    return absl::NotFoundError(absl::StrCat(
        path,
        ": neither a log dir (it has no meta.properties) nor a partition's directory (it has no segment)"));
  }
  RETURN_IF_ERROR(files.TakeLogDir(disk, ParentOf(path), purpose));
  RETURN_IF_ERROR(files.AddPartition(disk, path));
  return files;
}

// A directory that is no log dir has neither lock nor index: somebody's copy.
absl::Status LogFiles::TakeLogDir(Disk& disk, const std::string& path, For purpose) {
  const std::string properties = absl::StrCat(path, "/", kMetaProperties);
  if (!disk.Exists(properties)) {
    return absl::OkStatus();
  }
  log_dir_ = path;
  if (purpose != For::kLiveReading) {
    ASSIGN_OR_RETURN(lock_, FileLock::TakeExisting(absl::StrCat(path, "/.lock"),
                                                   purpose == For::kReading ? FileLock::Mode::kShared
                                                                            : FileLock::Mode::kExclusive));
  }
  ASSIGN_OR_RETURN(const std::string text, disk.ReadFile(properties));
  clean_ = disk.Exists(absl::StrCat(path, "/clean-shutdown"));
  return DecodeMetaProperties(text, properties).status();
}

absl::Status LogFiles::CheckJournalIsBehind(Disk& disk) const {
  if (clean_ || log_dir_.empty()) {
    return absl::OkStatus();
  }
  std::string directory = absl::StrCat(log_dir_, "/journal");
  const std::string location = absl::StrCat(log_dir_, "/journal.location");
  if (disk.Exists(location)) {
    ASSIGN_OR_RETURN(const std::string text, disk.ReadFile(location));
    directory = std::string(absl::StripAsciiWhitespace(text));
  } else if (!disk.Exists(directory)) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const JournalScan scan, ScanJournal(disk, directory));
  if (scan.logs.empty() && disk.Exists(directory)) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat(log_dir_, ": the broker did not stop in order, and its journal ", directory,
                   " may hold acknowledged records that the segments lack; start the broker once, so that it "
                   "puts them there, stop it in order, and try again"));
}

absl::Status LogFiles::AddPartition(Disk& disk, const std::string& directory) {
  PartitionFiles partition;
  partition.directory = directory;
  partition.name = fs::path(directory).filename().string();
  ASSIGN_OR_RETURN(const std::vector<std::string> names, disk.List(directory));
  for (const std::string& name : names) {
    if (const std::optional<Offset> base = ParseSegmentFileName(name)) {
      partition.bases.push_back(*base);
    }
    partition.marked_damaged = partition.marked_damaged || name == kDamagedMarkName;
  }
  FindInterrupted(names, &partition);
  ASSIGN_OR_RETURN(const CompactionState compaction, ReadCompactionState(disk, directory));
  partition.gaps_below = compaction.gaps_below;
  const std::string metadata = partition.PathOf(kPartitionMetadata);
  const std::optional<PartitionId> number = PartitionOf(partition.name);
  if (number && disk.Exists(metadata)) {
    ASSIGN_OR_RETURN(const std::string text, disk.ReadFile(metadata));
    ASSIGN_OR_RETURN(const Uuid topic_id, DecodePartitionMetadata(text, metadata));
    partition.id = LogId{topic_id, *number};
  }
  partitions_.push_back(std::move(partition));
  return absl::OkStatus();
}

}  // namespace sluice::storage
