#include "storage/index/key_codec.h"

#include <cstring>

#include "proto/base/bytes.h"
#include "proto/base/check.h"
#include "proto/base/endian.h"

namespace sluice::storage {
namespace {

constexpr size_t kTopicAt = 1;
constexpr size_t kPartitionAt = 17;
constexpr size_t kNumberAt = 21;
constexpr size_t kSecondNumberAt = 29;
constexpr size_t kTimeKeySize = 37;

// Negative timestamps sort before positive ones once the sign bit is turned.
constexpr uint64_t kSignBit = 1ull << 63;

uint64_t Ordered(Offset offset) {
  CHECK_GE(offset.value(), 0);
  return static_cast<uint64_t>(offset.value());
}

size_t SizeOf(KeyType type) {
  switch (type) {
    case KeyType::kWatermark:
    case KeyType::kCheckpoint:
      return kNumberAt;
    case KeyType::kOffset:
    case KeyType::kSegment:
      return kSecondNumberAt;
    case KeyType::kTime:
      return kTimeKeySize;
  }
  return 0;
}

}  // namespace

IndexKey IndexKey::Of(KeyType type, const LogId& log) {
  CHECK_GE(log.partition.value(), 0);
  IndexKey key;
  key.bytes_[0] = static_cast<char>(type);
  std::memcpy(&key.bytes_[kTopicAt], log.topic_id.bytes.data(), log.topic_id.bytes.size());
  StoreBigEndian(reinterpret_cast<std::byte*>(&key.bytes_[kPartitionAt]), log.partition.value());
  key.size_ = kNumberAt;
  return key;
}

IndexKey IndexKey::After(KeyType type, const LogId& log) {
  IndexKey key = Of(type, log);
  // A partition is at most 2^31 - 1, so this never carries into the topic id.
  StoreBigEndian(reinterpret_cast<std::byte*>(&key.bytes_[kPartitionAt]),
                 static_cast<uint32_t>(log.partition.value()) + 1);
  return key;
}

void IndexKey::Add64(uint64_t value) {
  StoreBigEndian(reinterpret_cast<std::byte*>(bytes_.data() + size_), value);
  size_ += sizeof(value);
}

IndexKey IndexKey::OfOffset(const LogId& log, Offset offset) {
  IndexKey key = Of(KeyType::kOffset, log);
  key.Add64(Ordered(offset));
  return key;
}

IndexKey IndexKey::OfSegment(const LogId& log, Offset base_offset) {
  IndexKey key = Of(KeyType::kSegment, log);
  key.Add64(Ordered(base_offset));
  return key;
}

IndexKey IndexKey::OfTime(const LogId& log, int64_t timestamp_ms, Offset offset) {
  IndexKey key = Of(KeyType::kTime, log);
  key.Add64(static_cast<uint64_t>(timestamp_ms) ^ kSignBit);
  key.Add64(Ordered(offset));
  return key;
}

IndexKey IndexKey::Of(const ParsedKey& parsed) {
  switch (parsed.type) {
    case KeyType::kOffset:
      return OfOffset(parsed.log, parsed.offset);
    case KeyType::kSegment:
      return OfSegment(parsed.log, parsed.offset);
    case KeyType::kTime:
      return OfTime(parsed.log, parsed.timestamp_ms, parsed.offset);
    case KeyType::kWatermark:
    case KeyType::kCheckpoint:
      return Of(parsed.type, parsed.log);
  }
  return IndexKey();
}

std::optional<ParsedKey> ParseKey(absl::string_view key) {
  if (key.size() < kNumberAt) {
    return std::nullopt;
  }
  ParsedKey parsed;
  parsed.type = static_cast<KeyType>(key[0]);
  if (key.size() != SizeOf(parsed.type)) {
    return std::nullopt;
  }
  const std::byte* at = AsBytes(key).data();
  std::memcpy(parsed.log.topic_id.bytes.data(), at + kTopicAt, parsed.log.topic_id.bytes.size());
  parsed.log.partition = PartitionId(LoadBigEndian<int32_t>(at + kPartitionAt));
  if (parsed.type == KeyType::kTime) {
    parsed.timestamp_ms = static_cast<int64_t>(LoadBigEndian<uint64_t>(at + kNumberAt) ^ kSignBit);
    parsed.offset = Offset(LoadBigEndian<int64_t>(at + kSecondNumberAt));
  } else if (key.size() == kSecondNumberAt) {
    parsed.offset = Offset(LoadBigEndian<int64_t>(at + kNumberAt));
  }
  const bool possible = parsed.log.partition.value() >= 0 && parsed.offset.value() >= 0;
  return possible ? std::optional(parsed) : std::nullopt;
}

}  // namespace sluice::storage
