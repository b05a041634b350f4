// The index's keys: docs/formats/index.md. All integers are big-endian, so that RocksDB's byte order is the
// order of topics, partitions, offsets and timestamps.
//
//   type (1) | topic id (16) | partition (4) | offset, or segment base (8)
//                                            | timestamp (8) | offset (8)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "proto/base/ids.h"
#include "storage/index/log_id.h"

namespace sluice::storage {

inline constexpr uint32_t kIndexFormatVersion = 1;
// Holds the version, in decimal. Shorter than any other key, of a type of its own.
inline constexpr absl::string_view kIndexFormatKey = "Fformat";

enum class KeyType : char {
  kWatermark = 'W',
  kCheckpoint = 'c',
  kOffset = 'o',
  kSegment = 's',
  kTime = 't',
};

struct ParsedKey;

// A value: copies are cheap, nothing is allocated.
class IndexKey {
 public:
  // The key of what a log has one of, and the start of its range of what it has many of.
  static IndexKey Of(KeyType type, const LogId& log);
  // The first key after all of this type and log.
  static IndexKey After(KeyType type, const LogId& log);
  static IndexKey OfOffset(const LogId& log, Offset offset);
  static IndexKey OfSegment(const LogId& log, Offset base_offset);
  static IndexKey OfTime(const LogId& log, int64_t timestamp_ms, Offset offset);
  static IndexKey Of(const ParsedKey& parsed);

  absl::string_view text() const { return {bytes_.data(), size_}; }

 private:
  static constexpr size_t kSizeMax = 1 + 16 + 4 + 8 + 8;

  void Add64(uint64_t value);

  std::array<char, kSizeMax> bytes_{};
  size_t size_ = 0;
};

struct ParsedKey {
  KeyType type = KeyType::kOffset;
  LogId log;
  Offset offset;             // Of an entry, or a segment's base. 0 where the type has none.
  int64_t timestamp_ms = 0;  // Of a time entry.
};
// nullopt: not a key of a log (the format key), or damaged.
std::optional<ParsedKey> ParseKey(absl::string_view key);

}  // namespace sluice::storage
