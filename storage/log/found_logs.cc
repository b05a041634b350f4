#include "storage/log/found_logs.h"

#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "storage/log/meta_properties.h"

namespace sluice::storage {
namespace {

// "orders-eu-0" is partition 0 of "orders-eu". Empty for what is no log's directory.
std::optional<std::pair<std::string, PartitionId>> ParseDirectoryName(absl::string_view name) {
  const size_t dash = name.rfind('-');
  int32_t partition;
  if (dash == absl::string_view::npos || dash == 0 || !absl::SimpleAtoi(name.substr(dash + 1), &partition) ||
      partition < 0) {
    return std::nullopt;
  }
  return std::pair(std::string(name.substr(0, dash)), PartitionId(partition));
}

absl::StatusOr<bool> HoldsRecords(Disk& disk, const std::string& directory) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, disk.List(directory));
  for (const std::string& name : names) {
    if (absl::EndsWith(name, ".log") && disk.FileSize(absl::StrCat(directory, "/", name)).value_or(1) > 0) {
      return true;
    }
  }
  return false;
}

// A directory without a whole partition.metadata is one whose making was cut short, if it holds nothing; else
// it is not ours to judge.
absl::StatusOr<std::optional<LogName>> ReadName(Disk& disk, const std::string& directory,
                                                absl::string_view directory_name,
                                                absl::FunctionRef<void(std::string path)> remove) {
  const auto parsed = ParseDirectoryName(directory_name);
  if (!parsed) {
    return std::nullopt;
  }
  const std::string path = absl::StrCat(directory, "/", kPartitionMetadata);
  absl::StatusOr<Uuid> topic_id = absl::NotFoundError("missing");
  if (disk.Exists(path)) {
    ASSIGN_OR_RETURN(const std::string text, disk.ReadFile(path));
    topic_id = DecodePartitionMetadata(text, path);
  }
  if (absl::IsFailedPrecondition(topic_id.status())) {
    return topic_id.status();  // A newer version's.
  }
  if (topic_id.ok()) {
    return LogName{parsed->first, {*topic_id, parsed->second}};
  }
  const absl::StatusOr<bool> has_records = HoldsRecords(disk, directory);
  if (!has_records.ok()) {
    return std::nullopt;  // No directory.
  }
  if (*has_records) {
    return absl::DataLossError(absl::StrCat(path, ": ", topic_id.status().message(),
                                            ", and the directory holds records; restore the file or move the "
                                            "directory away"));
  }
  remove(directory);
  return std::nullopt;
}

}  // namespace

std::string LogDirectoryName(const LogName& name) {
  return absl::StrCat(name.topic, "-", name.id.partition.value());
}

absl::StatusOr<std::vector<FoundDirectory>> FindLogs(Disk& disk, const std::string& log_dir,
                                                     absl::FunctionRef<void(std::string path)> remove) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, disk.List(log_dir));
  std::vector<FoundDirectory> found;
  for (const std::string& name : names) {
    std::string path = absl::StrCat(log_dir, "/", name);
    if (absl::EndsWith(name, kDeletedLogSuffix)) {
      remove(std::move(path));
      continue;
    }
    ASSIGN_OR_RETURN(const std::optional<LogName> log, ReadName(disk, path, name, remove));
    if (log) {
      found.push_back({*log, std::move(path)});
    }
  }
  return found;
}

}  // namespace sluice::storage
