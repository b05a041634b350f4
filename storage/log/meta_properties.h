// The two small text files of a log dir: meta.properties says whose it is, partition.metadata which topic a
// log belongs to. Both as Kafka writes them, but for the version numbers' meaning: docs/formats/log-dir.md.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/base/ids.h"
#include "proto/base/uuid.h"
#include "storage/disk/disk.h"

namespace sluice::storage {

struct MetaProperties {
  Uuid cluster_id;
  NodeId node_id;
  Uuid directory_id;
};

std::string EncodeMetaProperties(const MetaProperties& properties);
// FailedPrecondition for a version newer than this one knows, DataLoss for what cannot be read. `path` is for
// the message.
absl::StatusOr<MetaProperties> DecodeMetaProperties(absl::string_view text, absl::string_view path);

// Reads DIR/meta.properties, or writes it with `wanted` when the directory is new, and checks that the
// directory belongs to `wanted`'s cluster (any, when that is zero) and node.
absl::StatusOr<MetaProperties> TakeMetaProperties(Disk& disk, const std::string& directory,
                                                  const MetaProperties& wanted);

std::string EncodePartitionMetadata(const Uuid& topic_id);
absl::StatusOr<Uuid> DecodePartitionMetadata(absl::string_view text, absl::string_view path);

}  // namespace sluice::storage
