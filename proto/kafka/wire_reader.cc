#include "proto/kafka/wire_reader.h"

#include <bit>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "proto/base/check.h"
#include "proto/base/endian.h"
#include "proto/base/varint.h"

namespace sluice::kafka {
namespace {

// Compact strings could be longer, but Kafka's own codec refuses that.
constexpr uint32_t kStringSizeMax = 32767;

}  // namespace

void WireReader::Fail(absl::string_view what) {
  if (ok()) {
    error_ = absl::StrCat("byte ", position_, " of ", frame_.size(), ": ", what);
  }
}

bool WireReader::CheckVersion(absl::string_view message, int16_t version, int16_t min, int16_t max) {
  if (version < min || version > max) {
    Fail(absl::StrCat(message, " version ", version, " is not known, only ", min, " to ", max, " are"));
  }
  return ok();
}

ByteView WireReader::ReadRaw(uint64_t size, absl::string_view what) {
  if (!ok()) {
    return {};
  }
  if (size > remaining()) {
    Fail(absl::StrCat(what, " of ", size, " bytes, but only ", remaining(), " are left"));
    return {};
  }
  const ByteView bytes = frame_.subspan(position_, static_cast<size_t>(size));
  position_ += bytes.size();
  return bytes;
}

template <class T>
T WireReader::ReadFixed() {
  const ByteView bytes = ReadRaw(sizeof(T), "fixed-width value");
  return bytes.empty() ? T{0} : LoadBigEndian<T>(bytes.data());
}

int8_t WireReader::ReadInt8() {
  return ReadFixed<int8_t>();
}
int16_t WireReader::ReadInt16() {
  return ReadFixed<int16_t>();
}
int32_t WireReader::ReadInt32() {
  return ReadFixed<int32_t>();
}
int64_t WireReader::ReadInt64() {
  return ReadFixed<int64_t>();
}
uint16_t WireReader::ReadUint16() {
  return ReadFixed<uint16_t>();
}
double WireReader::ReadFloat64() {
  return std::bit_cast<double>(ReadFixed<uint64_t>());
}
bool WireReader::ReadBool() {
  return ReadFixed<int8_t>() != 0;
}

Uuid WireReader::ReadUuid() {
  Uuid id;
  const ByteView bytes = ReadRaw(id.bytes.size(), "uuid");
  if (!bytes.empty()) {
    std::memcpy(id.bytes.data(), bytes.data(), bytes.size());
  }
  return id;
}

uint32_t WireReader::ReadUvarint() {
  if (!ok()) {
    return 0;
  }
  uint64_t value = 0;
  const size_t size = ReadVarint(frame_.subspan(position_, remaining()), 32, &value);
  if (size == 0) {
    Fail("varint is cut off or does not fit into 32 bits");
    return 0;
  }
  position_ += size;
  return static_cast<uint32_t>(value);
}

std::optional<uint32_t> WireReader::ReadLength(bool flexible, bool is_short, absl::string_view what) {
  if (flexible) {
    const uint32_t length_plus_one = ReadUvarint();
    return length_plus_one == 0 ? std::nullopt : std::optional(length_plus_one - 1);
  }
  const int32_t length = is_short ? ReadInt16() : ReadInt32();
  if (length < -1) {
    Fail(absl::StrCat(what, " has the negative length ", length));
  }
  return length < 0 || !ok() ? std::nullopt : std::optional(static_cast<uint32_t>(length));
}

std::optional<absl::string_view> WireReader::ReadNullableString(bool flexible) {
  const std::optional<uint32_t> length = ReadLength(flexible, /*is_short=*/true, "string");
  if (!length.has_value()) {
    return std::nullopt;
  }
  if (*length > kStringSizeMax) {
    Fail(absl::StrCat("string of ", *length, " bytes is longer than the limit of ", kStringSizeMax));
  }
  return AsText(ReadRaw(*length, "string"));
}

absl::string_view WireReader::ReadString(bool flexible) {
  const std::optional<absl::string_view> text = ReadNullableString(flexible);
  if (!text.has_value()) {
    Fail("string is null, which this field cannot be");
  }
  return text.value_or(absl::string_view());
}

std::optional<ByteView> WireReader::ReadNullableBytes(bool flexible) {
  const std::optional<uint32_t> length = ReadLength(flexible, /*is_short=*/false, "byte field");
  if (!length.has_value()) {
    return std::nullopt;
  }
  return ReadRaw(*length, "byte field");
}

ByteView WireReader::ReadBytes(bool flexible) {
  const std::optional<ByteView> bytes = ReadNullableBytes(flexible);
  if (!bytes.has_value()) {
    Fail("byte field is null, which this field cannot be");
  }
  return bytes.value_or(ByteView());
}

std::optional<size_t> WireReader::ReadNullableArrayCount(bool flexible, size_t element_size_min) {
  CHECK_GT(element_size_min, 0u);
  const std::optional<uint32_t> count = ReadLength(flexible, /*is_short=*/false, "array");
  if (!count.has_value()) {
    return std::nullopt;
  }
  if (*count > remaining() / element_size_min) {
    Fail(absl::StrCat("array of ", *count, " elements of ", element_size_min, " bytes or more, but only ",
                      remaining(), " bytes are left"));
    return 0;
  }
  if (*count > elements_left_) {
    Fail(absl::StrCat("array of ", *count, " elements, but only ", elements_left_,
                      " more are allowed in one request"));
  }
  if (!ok()) {
    return 0;
  }
  elements_left_ -= *count;
  return *count;
}

size_t WireReader::ReadArrayCount(bool flexible, size_t element_size_min) {
  const std::optional<size_t> count = ReadNullableArrayCount(flexible, element_size_min);
  if (!count.has_value()) {
    Fail("array is null, which this field cannot be");
  }
  return count.value_or(0);
}

TagReader::TagReader(WireReader& in) : in_(in), outer_end_(in.end_), left_(in.ReadUvarint()) {}

bool TagReader::Close() {
  if (!open_) {
    return in_.ok();
  }
  open_ = false;
  if (in_.ok() && in_.remaining() != 0) {
    in_.Fail(
        absl::StrCat("tagged field ", tag_, " is ", in_.remaining(), " bytes longer than what it holds"));
  }
  in_.end_ = outer_end_;
  return in_.ok();
}

bool TagReader::Next() {
  if (!Close() || left_ == 0) {
    return false;
  }
  const uint32_t last = tag_;
  tag_ = in_.ReadUvarint();
  if (!first_ && in_.ok() && tag_ <= last) {
    in_.Fail(absl::StrCat("tagged field ", tag_, " after ", last, ": tags must rise"));
  }
  const uint32_t size = in_.ReadUvarint();
  if (in_.ok() && size > in_.remaining()) {
    in_.Fail(
        absl::StrCat("tagged field ", tag_, " of ", size, " bytes, but only ", in_.remaining(), " are left"));
  }
  if (!in_.ok()) {
    return false;
  }
  first_ = false;
  open_ = true;
  --left_;
  in_.end_ = in_.position_ + size;
  return true;
}

}  // namespace sluice::kafka
