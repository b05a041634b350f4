// The layout of a Kafka RecordBatch, version ("magic") 2: a header of 61 bytes, big-endian, then the records.
// The whole format, field by field, is told in docs/formats/record-batch.md.
//
//   0          8        12      16    17    21 ...                                            61
//   | base     | length | leader|magic| crc | attributes, deltas, times, producer, count      | records ...
//   | offset   |        | epoch |     |     |<------------ the CRC covers all of this, to the end --------->
//
// The broker writes only what lies before the CRC's reach, so it places a batch without hashing it again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "absl/strings/string_view.h"
#include "proto/base/ids.h"

namespace sluice::record {

inline constexpr int8_t kMagic = 2;

inline constexpr size_t kBaseOffsetAt = 0;
inline constexpr size_t kLengthAt = 8;  // Counts the bytes after this field.
inline constexpr size_t kLeaderEpochAt = 12;
inline constexpr size_t kMagicAt = 16;
inline constexpr size_t kCrcAt = 17;
inline constexpr size_t kAttributesAt = 21;
inline constexpr size_t kLastOffsetDeltaAt = 23;
inline constexpr size_t kBaseTimestampAt = 27;
inline constexpr size_t kMaxTimestampAt = 35;
inline constexpr size_t kProducerIdAt = 43;
inline constexpr size_t kProducerEpochAt = 51;
inline constexpr size_t kBaseSequenceAt = 53;
inline constexpr size_t kRecordCountAt = 57;
inline constexpr size_t kHeaderSize = 61;

// The base offset and the length: what must be read to know how large a batch is.
inline constexpr size_t kLengthPrefixSize = 12;
inline constexpr size_t kCrcCoversFrom = kAttributesAt;

inline constexpr int16_t kCodecMask = 0x07;
inline constexpr int16_t kLogAppendTimeBit = 1 << 3;
inline constexpr int16_t kTransactionalBit = 1 << 4;
inline constexpr int16_t kControlBit = 1 << 5;
inline constexpr int16_t kDeleteHorizonBit = 1 << 6;  // Set by compaction only.
inline constexpr int16_t kKnownAttributes = 0x7f;

inline constexpr int64_t kNoTimestamp = -1;

// A record is at least: length, attributes, timestamp delta, offset delta, key length, value length, header
// count, a byte each. So bytes bound a record count before anything is reserved for it.
inline constexpr size_t kRecordSizeMin = 7;

enum class Codec : int8_t { kNone = 0, kGzip = 1, kSnappy = 2, kLz4 = 3, kZstd = 4 };

enum class TimestampType : int8_t {
  kCreateTime = 0,     // The producer's clock, per record.
  kLogAppendTime = 1,  // The broker's clock, one for the whole batch.
};

// "none", "gzip", "snappy", "lz4", "zstd" (as in Kafka's compression.type); "unknown" for any other number.
absl::string_view CodecName(Codec codec);
std::optional<Codec> ParseCodec(absl::string_view name);
// Empty for the numbers 5, 6 and 7, which name no codec.
std::optional<Codec> CodecFromAttributes(int16_t attributes);

// The sequence number `by` records (>= 0) after `sequence` (>= 0). They wrap: 0 follows 2^31-1.
constexpr int32_t AdvanceSequence(int32_t sequence, int32_t by) {
  return static_cast<int32_t>((static_cast<uint32_t>(sequence) + static_cast<uint32_t>(by)) &
                              static_cast<uint32_t>(std::numeric_limits<int32_t>::max()));
}

}  // namespace sluice::record
