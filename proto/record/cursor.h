// Internal to proto/record: reads the varints and lengths of records, never past the end. Inline, because a
// consumer passes here six times a record.
#pragma once

#include <cstdint>
#include <optional>

#include "proto/base/bytes.h"
#include "proto/base/varint.h"

namespace sluice::record {

struct Cursor {
  const std::byte* at = nullptr;
  const std::byte* end = nullptr;

  explicit Cursor(ByteView bytes) : at(bytes.data()), end(bytes.data() + bytes.size()) {}

  size_t left() const { return static_cast<size_t>(end - at); }

  bool ReadInt32(int32_t* value) {
    uint64_t raw;
    if (!ReadRaw(32, &raw)) {
      return false;
    }
    *value = UnZigZag32(static_cast<uint32_t>(raw));
    return true;
  }

  bool ReadInt64(int64_t* value) {
    uint64_t raw;
    if (!ReadRaw(64, &raw)) {
      return false;
    }
    *value = UnZigZag64(raw);
    return true;
  }

  bool ReadBytes(size_t size, ByteView* bytes) {
    if (size > left()) {
      return false;
    }
    *bytes = ByteView(at, size);
    at += size;
    return true;
  }

  // A length, then as many bytes; length -1 is null, any other negative length is an error.
  bool ReadNullable(std::optional<ByteView>* field) {
    int32_t length;
    if (!ReadInt32(&length) || length < -1) {
      return false;
    }
    if (length < 0) {
      field->reset();
      return true;
    }
    return ReadBytes(static_cast<size_t>(length), &field->emplace());
  }

 private:
  // Most fields of a record fit a byte or two.
  bool ReadRaw(int bits, uint64_t* raw) {
    if (at != end && static_cast<uint8_t>(*at) < 0x80) {
      *raw = static_cast<uint64_t>(*at++);
      return true;
    }
    if (left() >= 2 && static_cast<uint8_t>(at[1]) < 0x80) {
      *raw = (static_cast<uint64_t>(at[0]) & 0x7f) | (static_cast<uint64_t>(at[1]) << 7);
      at += 2;
      return true;
    }
    const size_t used = ReadVarint(ByteView(at, end), bits, raw);
    at += used;
    return used != 0;
  }
};

}  // namespace sluice::record
