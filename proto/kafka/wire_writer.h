// Writes the primitive types of Kafka's protocol into a buffer that it owns. Sticky: after the first error (a
// value that the message's version cannot carry, a string too long) the content is worthless and ok() says
// so.
//
//   WireWriter out = WireWriter::Framed();            // Leaves room for the frame length.
//   EncodeResponseHeader(out, api_key, api_version, correlation_id);
//   response.Encode(out, api_version);
//   out.FinishFrame();
//   if (!out.ok()) { ... }
//
// Records that stay in files are not copied: the writer writes their length and notes a Cut, the place in the
// buffer where the sender must insert them. Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "proto/base/bytes.h"
#include "proto/base/uuid.h"
#include "proto/kafka/records.h"

namespace sluice::kafka {

// `flexible` chooses the compact encodings (KIP-482): lengths as UNSIGNED_VARINT of length + 1, 0 for null.
class WireWriter {
 public:
  // [buffer bytes before position][`size` external bytes][buffer bytes from position on].
  struct Cut {
    size_t position = 0;
    uint64_t size = 0;
    uint32_t external_id = 0;
    friend bool operator==(const Cut&, const Cut&) = default;
  };

  WireWriter() = default;
  // With 4 bytes at the front for the length of the frame, which FinishFrame() fills in.
  static WireWriter Framed();
  void FinishFrame();

  bool ok() const { return error_.empty(); }
  absl::string_view error() const { return error_; }

  ByteView buffer() const { return buffer_; }
  const std::vector<Cut>& cuts() const { return cuts_; }  // In the order of their positions.
  uint64_t total_size() const { return buffer_.size() + external_size_; }
  // The buffer; the writer is not to be used after.
  Bytes Take() { return std::move(buffer_); }

  void WriteInt8(int8_t value);
  void WriteInt16(int16_t value);
  void WriteInt32(int32_t value);
  void WriteInt64(int64_t value);
  void WriteUint16(uint16_t value);
  void WriteFloat64(double value);
  void WriteBool(bool value);
  void WriteUuid(const Uuid& value);
  void WriteUvarint(uint32_t value);

  void WriteString(absl::string_view value, bool flexible);
  void WriteNullableString(const std::optional<std::string>& value, bool flexible);
  void WriteBytes(ByteView value, bool flexible);
  void WriteNullableBytes(const std::optional<ByteView>& value, bool flexible);
  void WriteRecords(const Records& value, bool flexible);
  void WriteNullableRecords(const std::optional<Records>& value, bool flexible);
  void WriteArrayCount(size_t count, bool flexible);
  void WriteNullArray(bool flexible);

  // A tagged field: its tag, then what is written until EndTag, preceded by its size. No Records inside.
  [[nodiscard]] size_t BeginTag(uint32_t tag);
  void EndTag(size_t begin);

  // An error of the caller's finding. The first error stays.
  void Fail(absl::string_view what);
  bool CheckVersion(absl::string_view message, int16_t version, int16_t min, int16_t max);

 private:
  static constexpr size_t kFrameLengthSize = 4;

  template <class T>
  void WriteFixed(T value);
  void WriteRaw(ByteView bytes);
  void WriteLength(uint64_t length, bool flexible);

  Bytes buffer_;
  std::vector<Cut> cuts_;
  uint64_t external_size_ = 0;
  std::string error_;
};

}  // namespace sluice::kafka
