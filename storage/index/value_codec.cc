#include "storage/index/value_codec.h"

#include <array>
#include <cstdint>
#include <limits>

#include "proto/base/bytes.h"
#include "proto/base/check.h"
#include "proto/base/varint.h"

namespace sluice::storage {
namespace {

void AddVarint(std::string& to, uint64_t value) {
  std::array<std::byte, kVarint64SizeMax> buffer;
  const std::byte* end = WriteVarint(buffer.data(), value);
  to.append(reinterpret_cast<const char*>(buffer.data()), static_cast<size_t>(end - buffer.data()));
}

void AddDistance(std::string& to, int64_t distance) {
  CHECK_GE(distance, 0);
  AddVarint(to, static_cast<uint64_t>(distance));
}

// Sticky: read all fields, then ask ok().
class ValueReader {
 public:
  explicit ValueReader(absl::string_view value) : rest_(AsBytes(value)) {}

  uint64_t Varint() {
    uint64_t value = 0;
    const size_t used = ok_ ? ReadVarint(rest_, 64, &value) : 0;
    ok_ = used > 0;
    rest_ = rest_.subspan(used);
    return ok_ ? value : 0;
  }
  // An offset, or a distance between two.
  int64_t NonNegative() {
    const uint64_t value = Varint();
    ok_ = ok_ && value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    return ok_ ? static_cast<int64_t>(value) : 0;
  }
  std::string Rest() {
    std::string rest(reinterpret_cast<const char*>(rest_.data()), rest_.size());
    rest_ = {};
    return rest;
  }
  bool ok() const { return ok_ && rest_.empty(); }

 private:
  ByteView rest_;
  bool ok_ = true;
};

}  // namespace

std::string EncodeOffsetEntry(const OffsetEntry& entry) {
  std::string value;
  AddDistance(value, entry.offset - entry.segment_base);
  AddVarint(value, entry.position);
  return value;
}

std::optional<OffsetEntry> DecodeOffsetEntry(Offset offset, absl::string_view value) {
  ValueReader reader(value);
  const int64_t distance = reader.NonNegative();
  const uint64_t position = reader.Varint();
  if (!reader.ok() || distance > offset.value()) {
    return std::nullopt;
  }
  return OffsetEntry{.offset = offset, .segment_base = offset - distance, .position = position};
}

std::string EncodeSegmentEntry(const SegmentEntry& entry) {
  std::string value;
  AddDistance(value, entry.next_offset - entry.base_offset);
  AddVarint(value, entry.size_bytes);
  AddVarint(value, ZigZag64(entry.max_timestamp_ms));
  return value;
}

std::optional<SegmentEntry> DecodeSegmentEntry(Offset base_offset, absl::string_view value) {
  ValueReader reader(value);
  const int64_t count = reader.NonNegative();
  const uint64_t size_bytes = reader.Varint();
  const int64_t max_timestamp_ms = UnZigZag64(reader.Varint());
  if (!reader.ok() || count > std::numeric_limits<int64_t>::max() - base_offset.value()) {
    return std::nullopt;
  }
  return SegmentEntry{.base_offset = base_offset,
                      .next_offset = base_offset + count,
                      .size_bytes = size_bytes,
                      .max_timestamp_ms = max_timestamp_ms};
}

std::string EncodeCheckpoint(const Checkpoint& checkpoint) {
  std::string value;
  AddDistance(value, checkpoint.next_offset.value());
  AddDistance(value, checkpoint.segment_base.value());
  AddVarint(value, checkpoint.position);
  value += checkpoint.state;
  return value;
}

std::optional<Checkpoint> DecodeCheckpoint(absl::string_view value) {
  ValueReader reader(value);
  Checkpoint checkpoint;
  checkpoint.next_offset = Offset(reader.NonNegative());
  checkpoint.segment_base = Offset(reader.NonNegative());
  checkpoint.position = reader.Varint();
  checkpoint.state = reader.Rest();
  return reader.ok() ? std::optional(std::move(checkpoint)) : std::nullopt;
}

std::string EncodeWatermark(Offset start) {
  std::string value;
  AddDistance(value, start.value());
  return value;
}

std::optional<Offset> DecodeWatermark(absl::string_view value) {
  ValueReader reader(value);
  const Offset start(reader.NonNegative());
  return reader.ok() ? std::optional(start) : std::nullopt;
}

}  // namespace sluice::storage
