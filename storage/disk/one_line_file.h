// Small files that say one thing: a line "version=1", and the line itself.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/disk/disk.h"

namespace sluice::storage {

// Durable when it returns; after a crash the file is whole: old or new.
absl::Status WriteOneLineFile(Disk& disk, const std::string& path, absl::string_view line);

// Nothing when there is no such file; empty when it ends behind the version.
// absl::FailedPrecondition: another version wrote it.
absl::StatusOr<std::optional<std::string>> ReadOneLineFile(Disk& disk, const std::string& path);

}  // namespace sluice::storage
