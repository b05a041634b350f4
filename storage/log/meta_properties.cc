#include "storage/log/meta_properties.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "proto/base/status_macros.h"

namespace sluice::storage {
namespace {

constexpr int kMetaVersion = 1;
constexpr int kPartitionVersion = 0;

using Properties = absl::flat_hash_map<std::string, std::string>;

Properties Parse(absl::string_view text, char separator) {
  Properties properties;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line[0] == '#') {
      continue;
    }
    const std::pair<absl::string_view, absl::string_view> item =
        absl::StrSplit(line, absl::MaxSplits(separator, 1));
    properties[absl::StripAsciiWhitespace(item.first)] = std::string(absl::StripAsciiWhitespace(item.second));
  }
  return properties;
}

absl::Status Unreadable(absl::string_view path, absl::string_view key) {
  return absl::DataLossError(absl::StrCat(path, ": no valid '", key, "'; restore the file from a backup"));
}

absl::StatusOr<int> GetInt(const Properties& properties, absl::string_view key, absl::string_view path) {
  const auto found = properties.find(key);
  int value;
  if (found == properties.end() || !absl::SimpleAtoi(found->second, &value)) {
    return Unreadable(path, key);
  }
  return value;
}

absl::StatusOr<Uuid> GetUuid(const Properties& properties, absl::string_view key, absl::string_view path) {
  const auto found = properties.find(key);
  if (found == properties.end()) {
    return Unreadable(path, key);
  }
  const absl::StatusOr<Uuid> id = Uuid::Parse(found->second);
  return id.ok() ? id : Unreadable(path, key);
}

absl::Status CheckVersion(int version, int known, absl::string_view path) {
  if (version <= known) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat(path, ": written by a newer Sluice (format ", version, ", this one knows up to ", known,
                   "); start that version, or give this one other log.dirs"));
}

absl::Status CheckOwner(const MetaProperties& found, const MetaProperties& wanted, absl::string_view path) {
  if (!wanted.cluster_id.IsZero() && found.cluster_id != wanted.cluster_id) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": the directory belongs to cluster ",
                                                      found.cluster_id.ToString(), ", not to ",
                                                      wanted.cluster_id.ToString(), "; check log.dirs"));
  }
  if (found.node_id != wanted.node_id) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": the directory belongs to node ", found.node_id.value(), ", this is node ",
                     wanted.node_id.value(), "; check node.id and log.dirs"));
  }
  return absl::OkStatus();
}

}  // namespace

std::string EncodeMetaProperties(const MetaProperties& properties) {
  return absl::StrCat("version=", kMetaVersion, "\ncluster.id=", properties.cluster_id.ToString(),
                      "\nnode.id=", properties.node_id.value(),
                      "\ndirectory.id=", properties.directory_id.ToString(), "\n");
}

absl::StatusOr<MetaProperties> DecodeMetaProperties(absl::string_view text, absl::string_view path) {
  const Properties properties = Parse(text, '=');
  ASSIGN_OR_RETURN(const int version, GetInt(properties, "version", path));
  RETURN_IF_ERROR(CheckVersion(version, kMetaVersion, path));
  MetaProperties result;
  ASSIGN_OR_RETURN(result.cluster_id, GetUuid(properties, "cluster.id", path));
  ASSIGN_OR_RETURN(const int node_id, GetInt(properties, "node.id", path));
  result.node_id = NodeId(node_id);
  ASSIGN_OR_RETURN(result.directory_id, GetUuid(properties, "directory.id", path));
  return result;
}

absl::StatusOr<MetaProperties> TakeMetaProperties(Disk& disk, const std::string& directory,
                                                  const MetaProperties& wanted) {
  const std::string path = absl::StrCat(directory, "/meta.properties");
  if (!disk.Exists(path)) {
    RETURN_IF_ERROR(disk.ReplaceFile(path, EncodeMetaProperties(wanted)));
    return wanted;
  }
  ASSIGN_OR_RETURN(const std::string text, disk.ReadFile(path));
  ASSIGN_OR_RETURN(const MetaProperties found, DecodeMetaProperties(text, path));
  RETURN_IF_ERROR(CheckOwner(found, wanted, path));
  return found;
}

std::string EncodePartitionMetadata(const Uuid& topic_id) {
  return absl::StrCat("version: ", kPartitionVersion, "\ntopic_id: ", topic_id.ToString(), "\n");
}

absl::StatusOr<Uuid> DecodePartitionMetadata(absl::string_view text, absl::string_view path) {
  const Properties properties = Parse(text, ':');
  ASSIGN_OR_RETURN(const int version, GetInt(properties, "version", path));
  RETURN_IF_ERROR(CheckVersion(version, kPartitionVersion, path));
  return GetUuid(properties, "topic_id", path);
}

}  // namespace sluice::storage
