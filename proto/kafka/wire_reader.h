// Reads the primitive types of Kafka's protocol from a frame in memory. Sticky: after the first error every
// read returns a zero value and nothing moves, so that a decoder reads its fields in a row and the caller
// asks once.
//
//   WireReader in(frame);
//   request.Decode(in, version);
//   if (!in.ok() || in.remaining() != 0) { ... close the connection, in.error() says why ... }
//
// Views that it returns point into the frame, which must outlive them. Never reads beyond the frame, and
// checks every length and count against the bytes that remain before anyone allocates. Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "proto/base/bytes.h"
#include "proto/base/uuid.h"

namespace sluice::kafka {

// `flexible` chooses the compact encodings (KIP-482): lengths as UNSIGNED_VARINT of length + 1, 0 for null.
class WireReader {
 public:
  explicit WireReader(ByteView frame) : frame_(frame), end_(frame.size()) {}

  bool ok() const { return error_.empty(); }
  // What was wrong and at which byte; empty while ok().
  absl::string_view error() const { return error_; }
  size_t remaining() const { return end_ - position_; }
  size_t position() const { return position_; }

  int8_t ReadInt8();
  int16_t ReadInt16();
  int32_t ReadInt32();
  int64_t ReadInt64();
  uint16_t ReadUint16();
  double ReadFloat64();
  bool ReadBool();
  Uuid ReadUuid();
  uint32_t ReadUvarint();

  // Null is an error in ReadString and ReadBytes.
  absl::string_view ReadString(bool flexible);
  std::optional<absl::string_view> ReadNullableString(bool flexible);
  ByteView ReadBytes(bool flexible);
  std::optional<ByteView> ReadNullableBytes(bool flexible);

  // All arrays together may have so many elements; more is an error. Elements are a few bytes on the wire and
  // ten times that in memory: a server that reads what strangers send should say what it has room for.
  void LimitElements(size_t elements_max) { elements_left_ = elements_max; }

  // The number of elements, of which each takes at least `element_size_min` (> 0) bytes; a number that cannot
  // fit into the bytes that remain is an error, and so is null in the first one.
  size_t ReadArrayCount(bool flexible, size_t element_size_min);
  std::optional<size_t> ReadNullableArrayCount(bool flexible, size_t element_size_min);

  // An error of the caller's finding. The first error stays.
  void Fail(absl::string_view what);
  // An error unless `version` of the message called `message` is one that the codec knows.
  bool CheckVersion(absl::string_view message, int16_t version, int16_t min, int16_t max);

 private:
  friend class TagReader;

  template <class T>
  T ReadFixed();
  // `size` bytes, or none and an error that speaks of `what`.
  ByteView ReadRaw(uint64_t size, absl::string_view what);
  // A length as it stands on the wire; null as nullopt.
  std::optional<uint32_t> ReadLength(bool flexible, bool is_short, absl::string_view what);

  ByteView frame_;
  size_t position_ = 0;
  size_t end_;  // Of the frame, or of the tagged field that is being read.
  size_t elements_left_ = std::numeric_limits<size_t>::max();
  std::string error_;
};

// Walks the tagged fields at the end of a flexible structure. Tags must rise; the reader is held inside the
// field's own bytes, which must be used up or skipped.
//
//   for (TagReader tags(in); tags.Next();) {
//     if (tags.tag() == 0) { epoch = in.ReadInt64(); } else { tags.Skip(); }
//   }
class TagReader {
 public:
  explicit TagReader(WireReader& in);
  TagReader(const TagReader&) = delete;
  TagReader& operator=(const TagReader&) = delete;

  // Checks that the last field was used up, and opens the next. False at the end and after an error.
  bool Next();
  uint32_t tag() const { return tag_; }
  void Skip() { in_.position_ = in_.ok() ? in_.end_ : in_.position_; }

 private:
  bool Close();

  WireReader& in_;
  const size_t outer_end_;
  uint32_t left_;
  uint32_t tag_ = 0;
  bool open_ = false;
  bool first_ = true;
};

}  // namespace sluice::kafka
