#include "storage/log/damage.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "proto/base/status_macros.h"

namespace sluice::storage {
namespace {

constexpr int kVersion = 1;
constexpr absl::string_view kPayload = "sluice/damage";

using Lines = absl::flat_hash_map<absl::string_view, absl::string_view>;

Lines Parse(absl::string_view text) {
  Lines lines;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> item =
        absl::StrSplit(line, absl::MaxSplits('=', 1));
    lines[item.first] = item.second;
  }
  return lines;
}

std::string PathOf(absl::string_view directory) {
  return absl::StrCat(directory, "/", kDamagedName);
}

absl::Status Unreadable(absl::string_view path, absl::string_view key) {
  return absl::DataLossError(
      absl::StrCat(path, ": no valid '", key,
                   "'; the file says that the partition is damaged, so it stays offline. Stop the broker and "
                   "run sluice log repair on its directory"));
}

template <class T>
absl::StatusOr<T> GetNumber(const Lines& lines, absl::string_view key, absl::string_view path) {
  const auto found = lines.find(key);
  T value;
  if (found == lines.end() || !absl::SimpleAtoi(found->second, &value)) {
    return Unreadable(path, key);
  }
  return value;
}

absl::StatusOr<std::string> GetText(const Lines& lines, absl::string_view key, absl::string_view path) {
  const auto found = lines.find(key);
  if (found == lines.end() || found->second.empty()) {
    return Unreadable(path, key);
  }
  return std::string(found->second);
}

absl::StatusOr<std::optional<LogPosition>> GetDurable(const Lines& lines, absl::string_view path) {
  if (!lines.contains("durable.offset")) {
    return std::nullopt;
  }
  ASSIGN_OR_RETURN(const auto offset, GetNumber<int64_t>(lines, "durable.offset", path));
  ASSIGN_OR_RETURN(const auto segment, GetNumber<int64_t>(lines, "durable.segment", path));
  ASSIGN_OR_RETURN(const auto position, GetNumber<uint64_t>(lines, "durable.position", path));
  return LogPosition{Offset(offset), Offset(segment), position};
}

}  // namespace

absl::Status DamageError(const Damage& damage, absl::string_view directory) {
  absl::Status error = absl::DataLossError(absl::StrCat(
      directory, "/", damage.file, ": byte ", damage.byte, ": ", damage.reason,
      "; nothing was changed. The records from offset ", damage.offset.value(),
      " on may be lost, those before it are to be had again after a repair; until then none of the "
      "partition is served. Stop the broker and run: sluice log repair ",
      directory, ", or restore the file from a backup and delete ", PathOf(directory)));
  error.SetPayload(kPayload, absl::Cord(EncodeDamage(damage)));
  return error;
}

std::optional<Damage> DamageOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayload);
  if (!payload) {
    return std::nullopt;
  }
  absl::StatusOr<Damage> damage = DecodeDamage(std::string(*payload), kPayload);
  return damage.ok() ? std::optional(*std::move(damage)) : std::nullopt;
}

std::string EncodeDamage(const Damage& damage) {
  std::string text = absl::StrCat("version=", kVersion, "\nfile=", damage.file, "\nbyte=", damage.byte,
                                  "\noffset=", damage.offset.value(),
                                  "\nreason=", absl::StrReplaceAll(damage.reason, {{"\n", " "}}), "\n");
  if (damage.durable) {
    absl::StrAppend(&text, "durable.offset=", damage.durable->offset.value(),
                    "\ndurable.segment=", damage.durable->segment_base.value(),
                    "\ndurable.position=", damage.durable->position, "\n");
  }
  return text;
}

absl::StatusOr<Damage> DecodeDamage(absl::string_view text, absl::string_view path) {
  const Lines lines = Parse(text);
  ASSIGN_OR_RETURN(const int version, GetNumber<int>(lines, "version", path));
  if (version > kVersion) {
    return absl::DataLossError(absl::StrCat(path, ": the partition was found damaged, in words of version ",
                                            version, "; this Sluice knows versions up to ", kVersion,
                                            ": use the one that wrote the file, or a newer one"));
  }
  Damage damage;
  ASSIGN_OR_RETURN(damage.file, GetText(lines, "file", path));
  ASSIGN_OR_RETURN(damage.byte, GetNumber<uint64_t>(lines, "byte", path));
  ASSIGN_OR_RETURN(const auto offset, GetNumber<int64_t>(lines, "offset", path));
  damage.offset = Offset(offset);
  ASSIGN_OR_RETURN(damage.reason, GetText(lines, "reason", path));
  ASSIGN_OR_RETURN(damage.durable, GetDurable(lines, path));
  return damage;
}

absl::StatusOr<std::optional<Damage>> ReadDamage(Disk& disk, const std::string& directory) {
  const std::string path = PathOf(directory);
  if (!disk.Exists(path)) {
    return std::nullopt;
  }
  ASSIGN_OR_RETURN(const std::string text, disk.ReadFile(path));
  ASSIGN_OR_RETURN(Damage damage, DecodeDamage(text, path));
  return std::optional(std::move(damage));
}

absl::Status WriteDamage(Disk& disk, const std::string& directory, const Damage& damage) {
  return disk.ReplaceFile(PathOf(directory), EncodeDamage(damage));
}

}  // namespace sluice::storage
