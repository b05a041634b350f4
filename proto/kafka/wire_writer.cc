#include "proto/kafka/wire_writer.h"

#include <bit>
#include <limits>
#include <span>

#include "absl/strings/str_cat.h"
#include "proto/base/check.h"
#include "proto/base/endian.h"
#include "proto/base/varint.h"

namespace sluice::kafka {
namespace {

constexpr uint64_t kInt16Max = std::numeric_limits<int16_t>::max();
constexpr uint64_t kInt32Max = std::numeric_limits<int32_t>::max();

}  // namespace

WireWriter WireWriter::Framed() {
  WireWriter writer;
  writer.buffer_.resize(kFrameLengthSize);
  return writer;
}

void WireWriter::FinishFrame() {
  CHECK_GE(buffer_.size(), kFrameLengthSize);
  const uint64_t size = total_size() - kFrameLengthSize;
  if (size > kInt32Max) {
    Fail(absl::StrCat("frame of ", size, " bytes is longer than Kafka's limit of ", kInt32Max));
    return;
  }
  StoreBigEndian(buffer_.data(), static_cast<int32_t>(size));
}

void WireWriter::Fail(absl::string_view what) {
  if (ok()) {
    error_ = std::string(what);
  }
}

bool WireWriter::CheckVersion(absl::string_view message, int16_t version, int16_t min, int16_t max) {
  if (version < min || version > max) {
    Fail(absl::StrCat(message, " version ", version, " is not known, only ", min, " to ", max, " are"));
  }
  return ok();
}

template <class T>
void WireWriter::WriteFixed(T value) {
  buffer_.resize(buffer_.size() + sizeof(T));
  StoreBigEndian(buffer_.data() + buffer_.size() - sizeof(T), value);
}

void WireWriter::WriteRaw(ByteView bytes) {
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

void WireWriter::WriteInt8(int8_t value) {
  WriteFixed(value);
}
void WireWriter::WriteInt16(int16_t value) {
  WriteFixed(value);
}
void WireWriter::WriteInt32(int32_t value) {
  WriteFixed(value);
}
void WireWriter::WriteInt64(int64_t value) {
  WriteFixed(value);
}
void WireWriter::WriteUint16(uint16_t value) {
  WriteFixed(value);
}
void WireWriter::WriteFloat64(double value) {
  WriteFixed(std::bit_cast<uint64_t>(value));
}
void WireWriter::WriteBool(bool value) {
  WriteFixed(static_cast<int8_t>(value));
}
void WireWriter::WriteUuid(const Uuid& value) {
  WriteRaw(std::as_bytes(std::span(value.bytes)));
}

void WireWriter::WriteUvarint(uint32_t value) {
  const size_t at = buffer_.size();
  buffer_.resize(at + VarintSize(value));
  WriteVarint(buffer_.data() + at, value);
}

void WireWriter::WriteLength(uint64_t length, bool flexible) {
  if (length > kInt32Max) {
    Fail(absl::StrCat("length ", length, " is beyond the limit of ", kInt32Max));
    return;
  }
  if (flexible) {
    WriteUvarint(static_cast<uint32_t>(length) + 1);
  } else {
    WriteInt32(static_cast<int32_t>(length));
  }
}

void WireWriter::WriteString(absl::string_view value, bool flexible) {
  // Compact strings have the same limit: Kafka's own codec refuses more.
  if (value.size() > kInt16Max) {
    Fail(absl::StrCat("string of ", value.size(), " bytes is longer than the limit of ", kInt16Max));
    return;
  }
  if (flexible) {
    WriteUvarint(static_cast<uint32_t>(value.size()) + 1);
  } else {
    WriteInt16(static_cast<int16_t>(value.size()));
  }
  WriteRaw(AsBytes(value));
}

void WireWriter::WriteNullableString(const std::optional<std::string>& value, bool flexible) {
  if (value.has_value()) {
    WriteString(*value, flexible);
  } else if (flexible) {
    WriteUvarint(0);
  } else {
    WriteInt16(-1);
  }
}

void WireWriter::WriteBytes(ByteView value, bool flexible) {
  WriteLength(value.size(), flexible);
  WriteRaw(value);
}

void WireWriter::WriteNullableBytes(const std::optional<ByteView>& value, bool flexible) {
  if (value.has_value()) {
    WriteBytes(*value, flexible);
  } else {
    WriteNullArray(flexible);
  }
}

void WireWriter::WriteRecords(const Records& value, bool flexible) {
  if (value.external_size == 0) {
    WriteBytes(value.bytes, flexible);
    return;
  }
  CHECK(value.bytes.empty());
  WriteLength(value.external_size, flexible);
  cuts_.push_back({buffer_.size(), value.external_size, value.external_id});
  external_size_ += value.external_size;
}

void WireWriter::WriteNullableRecords(const std::optional<Records>& value, bool flexible) {
  if (value.has_value()) {
    WriteRecords(*value, flexible);
  } else {
    WriteNullArray(flexible);
  }
}

void WireWriter::WriteArrayCount(size_t count, bool flexible) {
  WriteLength(count, flexible);
}

void WireWriter::WriteNullArray(bool flexible) {
  if (flexible) {
    WriteUvarint(0);
  } else {
    WriteInt32(-1);
  }
}

size_t WireWriter::BeginTag(uint32_t tag) {
  WriteUvarint(tag);
  // One byte for the size does for nearly all of them; EndTag makes room when it does not.
  WriteInt8(0);
  return buffer_.size();
}

void WireWriter::EndTag(size_t begin) {
  CHECK(cuts_.empty() || cuts_.back().position < begin);
  const uint64_t size = buffer_.size() - begin;
  if (size > kInt32Max) {
    Fail(absl::StrCat("tagged field of ", size, " bytes is beyond the limit of ", kInt32Max));
    return;
  }
  buffer_.insert(buffer_.begin() + static_cast<ptrdiff_t>(begin), VarintSize(size) - 1, std::byte{0});
  WriteVarint(buffer_.data() + begin - 1, size);
}

}  // namespace sluice::kafka
