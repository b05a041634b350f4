// Damage below a log's durable point: what recovery found, told as an error, and kept in a small file in the
// partition's directory (`damaged`, docs/formats/log-dir.md), so that later starts refuse the partition in
// the same words without another walk. `sluice log repair` removes the file when it has repaired the log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/base/ids.h"
#include "storage/disk/disk.h"
#include "storage/log/log_position.h"

namespace sluice::storage {

inline constexpr absl::string_view kDamagedName = "damaged";

struct Damage {
  std::string file;  // Its name in the partition's directory.
  uint64_t byte = 0;
  Offset offset;       // The first one that may be lost: all before it can be followed up to `byte`.
  std::string reason;  // One line.
  // As far as is known, everything before it was on the disk: what a repair cuts below it was promised.
  std::optional<LogPosition> durable = {};
};

// absl::DataLoss: names file, byte, what is lost and what to do. It carries the damage with it.
absl::Status DamageError(const Damage& damage, absl::string_view directory);
// What such an error carries, if it is one.
std::optional<Damage> DamageOf(const absl::Status& status);

std::string EncodeDamage(const Damage& damage);
// DataLoss for what cannot be read, a newer version's file among it: the log is damaged either way. `path` is
// for the message.
absl::StatusOr<Damage> DecodeDamage(absl::string_view text, absl::string_view path);

// The file `damaged` of a partition's directory; empty when there is none.
absl::StatusOr<std::optional<Damage>> ReadDamage(Disk& disk, const std::string& directory);
// Durable when it returns.
absl::Status WriteDamage(Disk& disk, const std::string& directory, const Damage& damage);

}  // namespace sluice::storage
